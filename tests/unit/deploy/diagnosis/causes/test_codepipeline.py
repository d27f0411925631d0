"""The cause of a failed pipeline action: its build, its stack or its page in the console."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.deploy.diagnosis.causes.codepipeline import service_facts
from tests.fakes.answering_aws import FakeAws, denied

BUILD = {"builds": [{"id": "p:1", "phases": [{"phaseType": "BUILD", "phaseStatus": "FAILED"}]}]}
NO_BUILDS = denied("BatchGetBuilds")


def action(provider: str, **result: Any) -> dict[str, Any]:
    kind = {"category": "Build", "owner": "AWS", "provider": provider, "version": "1"}
    return {
        "input": {"actionTypeId": kind, "configuration": {"StackName": "shipping-staging-service"}},
        "output": {"executionResult": result},
    }


@pytest.mark.parametrize(
    ("failed", "builds", "expected"),
    [
        pytest.param(
            action("CodeBuild", externalExecutionId="p:1", externalExecutionUrl="https://example.com"),
            BUILD,
            ["see https://example.com", "build p:1, phase BUILD: FAILED"],
            id="a build",
        ),
        pytest.param(
            action("CodeBuild", externalExecutionId="p:1"),
            NO_BUILDS,
            [
                "CodeBuild gave no details: An error occurred (AccessDenied) when calling the BatchGetBuilds operation:"
                " not yours"
            ],
            id="a build that may not be read",
        ),
        pytest.param(action("CodeBuild"), BUILD, [], id="a build that never began"),
        pytest.param(
            action("CloudFormation"),
            BUILD,
            [
                "the action deploys the stack shipping-staging-service; `make recover` for its environment shows how to"
                " repair the stack"
            ],
            id="a stack, in another account",
        ),
        pytest.param({}, BUILD, [], id="nothing"),
    ],
)
def test_the_build_or_stack_of_an_action_is_reported(failed: dict[str, Any], builds: Any, expected: list[str]) -> None:
    fake: Any = FakeAws({"codebuild.batch_get_builds": builds})

    assert service_facts(fake, failed) == expected
