"""Names: no two things may get the same name in AWS."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.config.validation.names import RESERVED_PREFIXES
from tests.conftest import RAW
from tests.unit.config.problems import SERVICE, problems_of


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [("environments/production/suffix", "x"), ("environments/production-x", RAW["environments"]["production"])],
            "environments.production.suffix: 'x' gives production and production-x the same names",
            id="suffix that makes two environments one",
        ),
    ],
)
def test_environments_with_equal_names_are_refused(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert [problem for problem in problems if expected in problem], problems


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [
                (f"{SERVICE}/checks/snyk", ...),
                (f"{SERVICE}/checks/app-1", {"preset": "bandit"}),
                (f"{SERVICE}/checks/app1", {"preset": "bandit"}),
                (f"{SERVICE}/checks/safety", ...),
            ],
            "services.payment-processor.checks.app1: app-1 and app1 differ only by a hyphen; choose another name",
            id="checks with one logical id",
        ),
    ],
)
def test_what_shares_a_logical_id_is_refused(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert len(problems) == 1, problems
    assert problems[0].startswith(expected)


@pytest.mark.parametrize("prefix", RESERVED_PREFIXES)
def test_no_service_is_named_like_a_role_that_policies_match(prefix: str) -> None:
    name = f"{prefix}pay"
    settings = {"priority": 200, "checks": {"bandit": {"preset": "bandit"}}}

    assert problems_of((f"services/{name}", settings)) == [
        f"services.{name}: names of other roles begin with {prefix}; choose another name"
    ]
