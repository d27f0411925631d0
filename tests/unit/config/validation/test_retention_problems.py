"""Log retention: a protected environment must keep logs for as long as an audit requires."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.config.problems import problems_of


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [("environments/production/log_retention_days", 30)],
            "environments.production.log_retention_days: 30 days of logs is too short; a protected environment keeps"
            " logs for at least a year: use 365, 400",
            id="logs kept too briefly for an audit",
        ),
    ],
)
def test_a_retention_too_short_for_an_audit_is_refused(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert [problem for problem in problems if expected in problem], problems
