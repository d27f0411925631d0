"""The lock on evidence: how long it lasts, its mode, and where nobody could delete what is locked."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.config.load import parse_configuration
from tests.conftest import raw_configuration
from tests.unit.config.problems import problems_of

TOOLS = "environments/tools/protection"


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [("evidence", {"lock_mode": "governance"})],
            "evidence.lock_mode: has no effect without lock_days; add lock_days, or remove this key",
            id="a mode without a time",
        ),
        pytest.param(
            [(TOOLS, "disposable"), ("evidence", {"lock_days": 7, "lock_mode": "compliance"})],
            "evidence.lock_mode: tools is disposable, but nobody can delete files that are locked in compliance mode;",
            id="an environment that must be deletable",
        ),
        pytest.param([("evidence", {"lock_days": 0})], "evidence.lock_days: ", id="no day"),
        pytest.param([("evidence", {"lock_days": 36501})], "evidence.lock_days: ", id="more than a century"),
        pytest.param([("evidence", {"lock_mode": "legal-hold"})], "evidence.lock_mode: ", id="another mode"),
        pytest.param([("evidence", {"days": 7})], "evidence.days: unknown key", id="another key"),
    ],
)
def test_a_lock_that_cannot_be_meant_is_refused(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert [problem for problem in problems if expected in problem], problems


@pytest.mark.parametrize(
    ("evidence", "suffix", "mode"),
    [
        pytest.param({}, None, "", id="off by default"),
        pytest.param({"lock_days": 30}, None, "GOVERNANCE", id="governance by default"),
        pytest.param({"lock_days": 30, "lock_mode": "compliance"}, None, "COMPLIANCE", id="compliance by choice"),
        pytest.param({"lock_days": 30, "lock_mode": "compliance"}, "pr7", "GOVERNANCE", id="a copy can be deleted"),
    ],
)
def test_the_mode_follows_from_the_choice_and_the_environment(
    evidence: dict[str, Any], suffix: str | None, mode: str
) -> None:
    configuration = parse_configuration(
        raw_configuration(("evidence", evidence), (TOOLS, "protected")), source="f", suffix=suffix
    )
    tools = configuration.environment("tools")

    assert tools is not None
    assert tools.evidence_lock_mode == mode
    assert {peer.evidence for peer in tools.peers} == {configuration.evidence}
