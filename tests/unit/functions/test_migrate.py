"""The function that runs migrations, on answers as AWS gives them; botocore's model checks what it calls."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.functions import migrate
from tests.unit.functions.test_functions import CREDENTIALS, JOB, Aws, aws, job

__all__ = ["aws"]

RUN = "33333333-2222-3333-4444-555555555555"
CLUSTER = "orders-staging-cluster"
TASK = f"arn:aws:ecs:eu-central-1:222222222222:task/{CLUSTER}/0123456789abcdef"
OTHER_TASK = f"{TASK}0"
ASKED = {
    "pipeline": "shop-orders-tools",
    "stage": "Staging",
    "role": "arn:aws:iam::222222222222:role/orders-staging-migration-shop",
    "region": "eu-central-1",
    "cluster": CLUSTER,
    "log": "/orders/staging/migration/shop",
    "definition": "arn:aws:ecs:eu-central-1:222222222222:task-definition/orders-staging-shop-migration:7",
    "subnets": "subnet-1,subnet-2",
    "group": "sg-1",
}


def task(status: str, *codes: int | None, reason: str = "", arn: str = TASK) -> dict[str, Any]:
    containers = [{"name": "shop", **({} if code is None else {"exitCode": code})} for code in codes]
    ended = {"stopCode": "EssentialContainerExited"} if status == "STOPPED" else {}
    return {"taskArn": arn, "lastStatus": status, "containers": containers, "stoppedReason": reason, **ended}


def in_stage(
    aws: Aws, *, status: str = "InProgress", kind: str | None = "STANDARD", of_stage: str | None = "STANDARD"
) -> None:
    latest = {"pipelineExecutionId": RUN, "status": status, **({"type": of_stage} if of_stage else {})}
    stages = [
        {"stageName": "Build", "latestExecution": {"pipelineExecutionId": JOB, "status": "InProgress"}},
        {"stageName": "Production"},
        {"stageName": "Staging", "latestExecution": latest},
    ]
    aws.answer("GetPipelineState", {"pipelineName": ASKED["pipeline"], "stageStates": stages})
    execution = {"pipelineExecutionId": RUN, **({"executionType": kind} if kind else {})}
    aws.answer("GetPipelineExecution", {"pipelineExecution": execution})
    aws.answer("AssumeRole", {"Credentials": CREDENTIALS})


def begun(aws: Aws) -> tuple[str, dict[str, Any]]:
    migrate.handler(job(ASKED), None)
    return aws.put()


def followed(aws: Aws, *, since: float | None = None, parameters: dict[str, str] = ASKED) -> tuple[str, dict[str, Any]]:
    event = job(parameters)
    began = datetime.now(UTC).timestamp() if since is None else since
    event["CodePipeline.job"]["data"]["continuationToken"] = json.dumps({"task": TASK, "since": began})
    aws.answer("AssumeRole", {"Credentials": CREDENTIALS})
    migrate.handler(event, None)
    return aws.put()


def calls(aws: Aws, operation: str) -> list[dict[str, Any]]:
    return [parameters for name, parameters in aws.calls if name == operation]


def failure(put: tuple[str, dict[str, Any]]) -> str:
    operation, request = put
    assert operation == "PutJobFailureResult"
    assert request["failureDetails"]["type"] == "JobFailed"
    return str(request["failureDetails"]["message"])


def test_a_release_starts_one_private_task_and_waits(aws: Aws) -> None:
    in_stage(aws)
    aws.answer("RunTask", {"tasks": [task("PROVISIONING")]})

    operation, answer = begun(aws)

    assert operation == "PutJobSuccessResult"
    assert json.loads(answer["continuationToken"])["task"] == TASK
    assert "outputVariables" not in answer
    (request,) = calls(aws, "RunTask")
    assert (request["cluster"], request["taskDefinition"], request["count"]) == (CLUSTER, ASKED["definition"], 1)
    assert request["launchType"] == "FARGATE"
    assert request["startedBy"] == JOB
    assert request["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-1", "subnet-2"],
        "securityGroups": ["sg-1"],
        "assignPublicIp": "DISABLED",
    }
    (assumed,) = calls(aws, "AssumeRole")
    assert assumed["RoleArn"] == ASKED["role"]


def test_the_token_is_of_the_run_and_the_environment(aws: Aws) -> None:
    tokens = []
    for stage in ("Staging", "Staging", "Production"):
        fake = Aws()
        fake.answer("RunTask", {"tasks": [task("PROVISIONING")]})
        migrate._start_task(fake.client("ecs"), ASKED, f"{RUN}/{stage}/0", JOB)
        tokens.append(calls(fake, "RunTask")[0]["clientToken"])

    assert tokens[0] == tokens[1] != tokens[2]
    assert len(tokens[0]) == 64


@pytest.mark.parametrize(
    ("kind", "of_stage"),
    [("ROLLBACK", "ROLLBACK"), ("ROLLBACK", None), ("STANDARD", "ROLLBACK"), ("ROLLBACK", "STANDARD")],
)
def test_a_rollback_runs_nothing(aws: Aws, kind: str, of_stage: str | None) -> None:
    in_stage(aws, kind=kind, of_stage=of_stage)

    operation, answer = begun(aws)

    assert operation == "PutJobSuccessResult"
    assert answer["outputVariables"] == {"Migration": "not run, because this is a rollback"}
    assert not calls(aws, "RunTask")
    assert not calls(aws, "AssumeRole")


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param({"kind": None}, "its type is unknown", id="a run of no type"),
        pytest.param({"kind": "NEW"}, "its type is NEW", id="a type that is not known yet"),
        pytest.param({"status": "Stopping"}, "no run is in progress in the stage Staging", id="a run that stops"),
        pytest.param({"status": "Failed"}, "no run is in progress in the stage Staging", id="a late event"),
    ],
)
def test_nothing_runs_if_it_is_not_certain_that_this_is_a_release(aws: Aws, edits: Any, expected: str) -> None:
    in_stage(aws, **edits)

    assert expected in failure(begun(aws))
    assert not calls(aws, "RunTask")


def test_a_stage_that_no_run_has_reached_runs_nothing(aws: Aws) -> None:
    in_stage(aws)

    migrate.handler(job({**ASKED, "stage": "Production"}), None)

    assert "no run is in progress in the stage Production" in failure(aws.put())


class Conflicts(Aws):
    """ECS refuses each token with which another job has started one of `earlier`."""

    def __init__(self, *earlier: str) -> None:
        super().__init__()
        self.earlier = list(earlier)

    def client(self, service: str, **options: Any) -> Any:
        client = super().client(service, **options)
        answered = client._make_api_call

        def call(operation: str, parameters: dict[str, Any]) -> Any:
            if operation == "RunTask" and self.earlier:
                self.calls.append((operation, parameters))
                answer = {"Error": {"Code": "ConflictException"}, "resourceIds": [self.earlier.pop(0)]}
                raise client.exceptions.ConflictException(answer, operation)
            return answered(operation, parameters)

        client._make_api_call = call
        return client


def retried(monkeypatch: pytest.MonkeyPatch, earlier: list[str], described: list[dict[str, Any]]) -> Conflicts:
    fake = Conflicts(*earlier)
    monkeypatch.setattr("boto3.client", fake.client)
    in_stage(fake)
    fake.answer("RunTask", {"tasks": [task("PROVISIONING", arn=OTHER_TASK)]})
    fake.answer("DescribeTasks", *described)
    migrate.handler(job(ASKED), None)
    return fake


@pytest.mark.parametrize("described", [{"tasks": [task("RUNNING", None)]}, {"tasks": []}], ids=["running", "not known"])
def test_a_retry_follows_a_task_that_still_runs(monkeypatch: pytest.MonkeyPatch, described: dict[str, Any]) -> None:
    fake = retried(monkeypatch, [TASK], [described])

    assert json.loads(fake.put()[1]["continuationToken"])["task"] == TASK
    assert len(calls(fake, "RunTask")) == 1


def test_a_retry_does_not_repeat_a_task_that_succeeded(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = retried(monkeypatch, [TASK], [{"tasks": [task("STOPPED", 0)]}])

    assert fake.put()[1]["outputVariables"] == {"Migration": f"done by {TASK}"}
    assert len(calls(fake, "RunTask")) == 1


def test_a_retry_after_a_failure_starts_another_task_with_another_token(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = retried(monkeypatch, [TASK], [{"tasks": [task("STOPPED", 1)]}])

    assert json.loads(fake.put()[1]["continuationToken"])["task"] == OTHER_TASK
    first, second = (each["clientToken"] for each in calls(fake, "RunTask"))
    assert first != second


def test_retries_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = retried(monkeypatch, [TASK] * migrate.ATTEMPTS, [{"tasks": [task("STOPPED", 1)]}])

    assert failure(fake.put()) == "the migration failed 10 times in this run; release again"


def test_a_task_that_ecs_does_not_start_fails_with_its_reason(aws: Aws) -> None:
    in_stage(aws)
    aws.answer("RunTask", {"tasks": [], "failures": [{"reason": "RESOURCE:ENI"}]}, {"tasks": [], "failures": []})

    assert failure(begun(aws)) == "ECS did not start the migration: RESOURCE:ENI"


def test_an_access_denied_is_told(aws: Aws) -> None:
    in_stage(aws)
    aws.answer("RunTask", "AccessDeniedException")

    assert failure(begun(aws)).startswith("AccessDeniedException: An error occurred (AccessDeniedException)")


@pytest.mark.parametrize("described", [{"tasks": [task("RUNNING", None)]}, {"tasks": []}], ids=["running", "not known"])
def test_a_task_that_has_not_stopped_is_awaited(aws: Aws, described: dict[str, Any]) -> None:
    aws.answer("DescribeTasks", described)

    assert json.loads(followed(aws)[1]["continuationToken"])["task"] == TASK
    assert not calls(aws, "GetPipelineState")


def test_a_task_that_ended_well_lets_the_service_move(aws: Aws) -> None:
    aws.answer("DescribeTasks", {"tasks": [task("STOPPED", 0, 0, reason="Essential container in task exited")]})

    assert followed(aws)[1] == {"jobId": JOB, "outputVariables": {"Migration": f"done by {TASK}"}}


@pytest.mark.parametrize(
    ("described", "since", "expected"),
    [
        ({"tasks": []}, 0, "ECS no longer knows arn:aws:ecs:"),
        ({"tasks": [task("RUNNING", None)]}, 0, "still runs after 6 hours"),
    ],
    ids=["forgotten", "endless"],
)
def test_waiting_has_an_end(aws: Aws, described: dict[str, Any], since: float, expected: str) -> None:
    aws.answer("DescribeTasks", described)

    assert expected in failure(followed(aws, since=since))


@pytest.mark.parametrize(
    ("stopped", "expected"),
    [
        (task("STOPPED", 3, reason="Essential container in task exited"), "exit code 3; Essential container in task"),
        (task("STOPPED", None, reason="CannotPullContainerError"), "no exit code; CannotPullContainerError"),
        (task("STOPPED", 0, 137), "exit code 0, exit code 137"),
        (task("STOPPED", reason="TaskFailedToStart"), "TaskFailedToStart"),
    ],
    ids=["exit code", "never started", "one of two", "no container"],
)
def test_any_other_end_stops_the_release(aws: Aws, stopped: dict[str, Any], expected: str) -> None:
    aws.answer("DescribeTasks", {"tasks": [stopped]})
    aws.answer("GetLogEvents", {"events": []})

    assert f"the migration failed: {expected}" in failure(followed(aws))


def test_a_failure_is_told_with_the_last_lines_of_the_log(aws: Aws) -> None:
    aws.answer("DescribeTasks", {"tasks": [task("STOPPED", 1)]})
    lines = ["Traceback", "\x1b[31mrelation\u202e orders\tdoes not exist\x1b[0m\r\nforged: ok", "x" * 500]
    aws.answer("GetLogEvents", {"events": [{"message": line} for line in lines]})

    told = failure(followed(aws))

    assert told.splitlines() == [
        "the migration failed: exit code 1. Its log ends with:",
        "Traceback",
        "[31mrelation orders does not exist[0m forged: ok",
        "x" * migrate.LINE_LENGTH,
    ]
    (asked,) = calls(aws, "GetLogEvents")
    assert (asked["logGroupName"], asked["logStreamName"]) == (ASKED["log"], "task/shop/0123456789abcdef")
    assert asked["limit"] == migrate.LOG_LINES


def test_a_long_log_and_a_long_reason_leave_the_newest_lines(aws: Aws) -> None:
    aws.answer("DescribeTasks", {"tasks": [task("STOPPED", 1, reason="r" * 900)]})
    aws.answer("GetLogEvents", {"events": [{"message": f"{number} {'y' * 150}"} for number in range(15)]})

    told = failure(followed(aws))

    assert len(told) <= migrate.MESSAGE_LENGTH
    assert [line.partition(" ")[0] for line in told.splitlines()[1:]] == ["12", "13", "14"]


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_log_that_cannot_be_read_does_not_hide_the_failure(aws: Aws, code: str) -> None:
    aws.answer("DescribeTasks", {"tasks": [task("STOPPED", 1)]})
    aws.answer("GetLogEvents", code)

    assert failure(followed(aws)).startswith("the migration failed: exit code 1. Its log cannot be read: ")


@pytest.mark.parametrize("code", ["InvalidJobStateException", "JobNotFoundException"])
def test_a_job_that_was_answered_before_is_done(aws: Aws, code: str) -> None:
    aws.answer("PutJobFailureResult", code)

    migrate.handler(job("no parameters"), None)

    assert aws.put()[0] == "PutJobFailureResult"


def test_an_answer_that_does_not_arrive_is_raised_so_that_lambda_tries_again(aws: Aws) -> None:
    aws.answer("PutJobFailureResult", "ThrottlingException")

    with pytest.raises(ClientError, match="ThrottlingException"):
        migrate.handler(job("no parameters"), None)
