"""The cause of a failed build: the phase, CodeBuild's message and the last lines of the log."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.deploy.diagnosis.causes.codebuild import failed_build
from tests.fakes.answering_aws import FakeAws

LOGS = {"groupName": "/shipping/tools/build", "streamName": "s-1"}


def phase(kind: str, status: str, **context: str) -> dict[str, Any]:
    return {"phaseType": kind, "phaseStatus": status, "contexts": [context] if context else []}


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        pytest.param(
            {
                "phases": [
                    phase("INSTALL", "SUCCEEDED"),
                    phase("BUILD", "FAILED", statusCode="COMMAND_EXECUTION_ERROR", message="exit status 2"),
                    {"phaseType": "COMPLETED"},
                ],
                "logs": LOGS,
            },
            ["build p:1, phase BUILD: COMMAND_EXECUTION_ERROR exit status 2", "  | the end"],
            id="a command",
        ),
        pytest.param(
            {"phases": [phase("QUEUED", "TIMED_OUT")], "logs": {"groupName": "/shipping/tools/build"}},
            ["build p:1, phase QUEUED: TIMED_OUT"],
            id="never started, so no log",
        ),
        pytest.param({}, [], id="nothing known"),
    ],
)
def test_the_failed_phase_and_the_last_lines_are_shown(build: dict[str, Any], expected: list[str]) -> None:
    fake: Any = FakeAws(
        {
            "codebuild.batch_get_builds": {"builds": [{"id": "p:1", **build}]},
            "logs.get_log_events": {"events": [{"message": "the end\n"}]},
        }
    )

    assert failed_build(fake, "p:1") == expected


def test_a_build_that_is_not_known_tells_nothing() -> None:
    fake: Any = FakeAws({"codebuild.batch_get_builds": {"builds": [], "buildsNotFound": ["p:1"]}})

    assert failed_build(fake, "p:1") == []
