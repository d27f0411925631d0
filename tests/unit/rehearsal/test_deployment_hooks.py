"""What a rehearsal reports about the hooks of a deployment. The called services are fakes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.rehearsal import deployment_hooks
from cicd_templates.rehearsal.pipeline_run import ActionFailedError, PipelineRun
from cicd_templates.rehearsal.result import ActionProgress
from tests.unit.rehearsal.test_actions import Fake, action, made

SERVICE = "arn:aws:ecs:eu-west-1:222222222222:service/till/till-staging-shop"
FUNCTION = "arn:aws:lambda:eu-west-1:222222222222:function:verify"
CALL = {"function": FUNCTION, "role": "arn:aws:iam::222222222222:role/hooks", "status": "SUCCEEDED", "problem": ""}
DEPLOYING = dataclasses.replace(action("CloudFormation", StackName="s"), role="arn:aws:iam::222222222222:role/delivery")


def run_with(folder: Path, decision: str = "allowed", *stages: str) -> tuple[PipelineRun, Fake]:
    hooks = [{"hookTargetArn": f"{FUNCTION}-{stage}", "lifecycleStages": [stage]} for stage in stages]
    found = {"taskDefinition": "d", "loadBalancers": [], "deploymentConfiguration": {"lifecycleHooks": hooks}}
    fake = Fake(
        get_function_configuration={
            "FunctionArn": FUNCTION,
            "Role": "arn:aws:iam::222222222222:role/checking",
            "LoggingConfig": {"LogGroup": "/hooks"},
        },
        simulate_principal_policy={
            "EvaluationResults": [{"EvalActionName": "logs:PutLogEvents", "EvalDecision": decision}]
        },
        list_stack_resources={
            "StackResourceSummaries": [{"ResourceType": "AWS::ECS::Service", "PhysicalResourceId": SERVICE}]
        },
        describe_services={"services": [found]},
    )
    return made(folder, fake), fake


def report(
    run: PipelineRun, *calls: dict[str, Any], step: ActionProgress | None = None, error: Exception | None = None
) -> ActionProgress:
    step = step or ActionProgress("S/A", "CloudFormation")
    with deployment_hooks.reporting(run, step, DEPLOYING):
        for call in calls:
            run.setup.hook_calls.add(call)
        if error:
            raise error
    return step


def test_the_roles_and_the_log_of_the_hooks_that_were_called_are_reported(tmp_path: Path) -> None:
    run, fake = run_with(tmp_path, "allowed", "PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT")
    run.setup.hook_calls.add({**CALL, "log": "of an earlier action"})
    step = report(run, {**CALL, "log": "one\ntwo"}, {**CALL, "log": "", "status": "no answer", "problem": "gone"})

    assert step.roles == {"hooks", "checking"}
    assert step.log.splitlines() == ["the hook verify: SUCCEEDED", "one", "two", "the hook verify: no answer", "gone"]
    assert step.notes == [
        "hooks after the stage PRE_SCALE_UP are not called, because no containers were started:"
        " verify-POST_TEST_TRAFFIC_SHIFT"
    ]
    log = "arn:aws:logs:eu-west-1:222222222222:log-group:/hooks:log-stream:rehearsal"
    assert [request["ResourceArns"] for name, request in fake.asked if name.startswith("simulate")] == [[log], [log]]


def test_a_refusal_is_reported_too(tmp_path: Path) -> None:
    run, _ = run_with(tmp_path)
    step, call = ActionProgress("S/A", "CloudFormation"), {**CALL, "log": "not signed", "status": "FAILED"}

    with pytest.raises(ActionFailedError, match="the stack s"):
        report(run, call, step=step, error=ActionFailedError("the stack s is UPDATE_ROLLBACK_COMPLETE"))
    assert step.log == "the hook verify: FAILED\nnot signed"
    assert step.roles == {"hooks", "checking"}


def test_without_hooks_nothing_is_reported(tmp_path: Path) -> None:
    run, _ = run_with(tmp_path)

    assert report(run) == ActionProgress("S/A", "CloudFormation")


def test_a_function_whose_role_may_not_write_its_log_fails(tmp_path: Path) -> None:
    run, _ = run_with(tmp_path, "implicitDeny")

    with pytest.raises(ActionFailedError, match="role/checking may not logs:PutLogEvents"):
        report(run, {**CALL, "log": ""})
