"""Why a run failed: its actions' errors, and what the service behind each knows."""

from __future__ import annotations

from typing import Any

from cicd_templates.deploy.causes.codepipeline import failed_actions
from tests.unit.deploy.fake_aws import FakeAws


def action(name: str, status: str, provider: str = "Lambda", **result: Any) -> dict[str, Any]:
    kind = {"category": "Invoke", "owner": "AWS", "provider": provider, "version": "1"}
    return {
        "stageName": "Stage",
        "actionName": name,
        "status": status,
        "input": {"actionTypeId": kind, "configuration": {"StackName": "payments-staging-service"}},
        "output": {"executionResult": result},
    }


def told(*newest_first: dict[str, Any]) -> list[str]:
    fake: Any = FakeAws(
        {
            "codepipeline.list_action_executions": [{"actionExecutionDetails": [each]} for each in newest_first],
            "codebuild.batch_get_builds": {
                "builds": [{"id": "p:1", "phases": [{"phaseType": "BUILD", "phaseStatus": "FAILED"}]}]
            },
        }
    )
    return failed_actions(fake, "pipeline", "e-1")


def test_each_failed_action_says_its_error_oldest_first() -> None:
    error = {"code": "JobFailed", "message": "2 findings stop it"}

    assert told(
        action("Later", "Failed", externalExecutionSummary="stopped", externalExecutionUrl="https://example.com"),
        action("Fine", "Succeeded"),
        action("Gate", "Failed", errorDetails=error),
    ) == ["Stage/Gate: JobFailed 2 findings stop it", "Stage/Later: stopped", "see https://example.com"]


def test_a_build_behind_an_action_tells_its_phase() -> None:
    assert told(action("Bandit", "Failed", "CodeBuild", externalExecutionId="p:1")) == [
        "Stage/Bandit: no reason given",
        "build p:1, phase BUILD: FAILED",
    ]


def test_a_stack_behind_an_action_is_looked_at_in_its_own_account() -> None:
    assert told(action("Deploy", "Failed", "CloudFormation", errorDetails={"message": "no"})) == [
        "Stage/Deploy: no",
        "the stack payments-staging-service is in the account of that environment; `make recover` there says what it"
        " needs",
    ]


def test_an_action_that_never_began_has_no_words() -> None:
    assert told({"stageName": "S", "actionName": "A", "status": "Failed"}) == ["S/A: no reason given"]
