"""The function that runs migrations, in a fake account. botocore's models check its calls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cicd_templates.functions import migrate, migration_tasks
from tests.unit.functions.migration_account import (
    ASKED,
    CLUSTER,
    FAMILY,
    HOUR,
    OTHER_RUN,
    RUN,
    VARIABLES,
    Account,
)
from tests.unit.functions.test_functions import JOB, job
from tests.unit.functions.test_hooks import DIGEST, REPOSITORY, Clock, scan


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    fake = Account()
    monkeypatch.setattr("boto3.client", fake.client)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr("time.time", lambda: fake.now)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return fake


def test_a_release_starts_one_private_task_and_waits(account: Account) -> None:
    account.waits()

    (request,) = account.asked("RunTask")
    assert (request["cluster"], request["taskDefinition"], request["count"]) == (CLUSTER, ASKED["definition"], 1)
    assert request["launchType"] == "FARGATE"
    assert request["startedBy"] == RUN
    assert len(request["clientToken"]) == 64
    assert request["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-1", "subnet-2"],
        "securityGroups": ["sg-1"],
        "assignPublicIp": "DISABLED",
    }
    assert {asked["RoleArn"] for asked in account.asked("AssumeRole")} == {ASKED["role"]}


def test_a_task_that_ended_well_lets_the_service_move(account: Account) -> None:
    account.containers = ["shop", "proxy"]
    token = account.waits(account.waits())
    (task,) = account.started()
    account.end(task, 0, 0, reason="Essential container in task exited")

    assert account.invoke(token) == ("done", f"done by {task}")
    # A continuation does not ask again which run is in the stage.
    assert len(account.asked("GetPipelineState")) == 1


def test_each_attempt_leaves_evidence_that_is_never_replaced(account: Account) -> None:
    token = account.waits()
    (task,) = account.started()
    account.end(task, 0)
    account.invoke(token)

    (started, begun), (_, known), (ended, outcome) = account.entries()
    assert (started, ended) == ("started", "ended")
    assert (begun["run"], begun["definition"], begun["image"]) == (RUN, ASKED["definition"], ASKED["image"])
    assert known == {"task": task}
    assert outcome["outcome"] == "succeeded"
    assert all(key.startswith("shop/migrations/staging/") for key in account.objects)


@pytest.mark.parametrize("hours", [0.1, 1.5, 25, 24 * 100], ids=["soon", "forgotten", "token gone", "months"])
def test_a_retry_never_repeats_a_migration_that_succeeded(account: Account, hours: float) -> None:
    token = account.waits()
    (task,) = account.started()
    account.end(task, 0)
    account.invoke(token)
    account.now += hours * HOUR

    assert account.invoke() == ("done", f"done by {task}")
    assert account.started() == [task]


@pytest.mark.parametrize("hours", [0.1, 7, 25], ids=["soon", "after the limit", "token gone"])
def test_a_retry_follows_a_task_that_still_runs(account: Account, hours: float) -> None:
    account.waits()
    (task,) = account.started()
    account.now += hours * HOUR

    token = account.waits()

    assert account.started() == [task]
    account.end(task, 0)
    assert account.invoke(token) == ("done", f"done by {task}")


def test_a_retry_judges_a_task_that_ended_while_nobody_looked(account: Account) -> None:
    account.waits()
    (task,) = account.started()
    account.end(task, 0)
    account.now += HOUR / 2

    assert account.invoke() == ("done", f"done by {task}")


def test_a_retry_runs_nothing_if_nobody_saw_how_the_task_ended(account: Account) -> None:
    account.waits()
    (task,) = account.started()
    account.end(task, 0)
    account.now += 2 * HOUR

    reason = account.fails()

    assert reason.startswith(f"it is unknown whether the migration succeeded, because ECS no longer returns {task}.")
    assert "/orders/staging/migration/shop" in reason
    assert account.fails() == reason
    assert account.started() == [task]
    # The next release is another run with its own migration.
    account.in_stage(OTHER_RUN)
    account.waits()
    assert len(account.started()) == 2


def test_a_retry_after_a_failure_starts_another_task(account: Account) -> None:
    token = account.waits()
    (first,) = account.started()
    account.end(first, 1)
    account.fails(token)
    account.now += 30 * HOUR

    token = account.waits()

    _, second = account.started()
    tokens = {request["clientToken"] for request in account.asked("RunTask")}
    assert len(tokens) == 2
    account.end(second, 0)
    assert account.invoke(token) == ("done", f"done by {second}")


@pytest.mark.parametrize("ended", [False, True], ids=["while it runs", "after it failed"])
def test_an_event_that_lambda_repeats_starts_nothing(account: Account, ended: bool) -> None:
    token = account.waits(number=7)
    (task,) = account.started()
    if ended:
        account.end(task, 1)
        account.fails(token)

    account.invoke(number=7)

    assert account.started() == [task]


def test_of_two_functions_that_begin_at_once_one_starts_the_task(account: Account) -> None:
    put = account.answers["PutObject"][0]

    def other_function_first(asked: dict[str, Any]) -> Any:
        account.answers["PutObject"] = [put]
        account.objects[asked["Key"]] = asked["Body"]
        return put(asked)

    account.answers["PutObject"] = [other_function_first]

    token = account.waits()
    assert account.started() == []
    account.waits(account.waits(token))
    assert len(account.started()) == 1


def test_another_run_does_not_start_beside_a_task_that_still_runs(account: Account) -> None:
    account.waits()
    (task,) = account.started()
    account.in_stage(OTHER_RUN)
    account.now += 8 * HOUR

    assert account.fails() == (
        f"the migration of the run {RUN} has not ended ({task}); when this migration has ended, retry this stage"
    )
    account.end(task, 0)
    account.waits()
    assert len(account.started()) == 2
    assert [entry["outcome"] for name, entry in account.entries() if name == "ended"] == ["succeeded"]


@pytest.mark.parametrize(("codes", "outcome"), [((0,), "succeeded"), ((1,), "failed")])
def test_the_next_run_records_how_an_abandoned_migration_ended(
    account: Account, codes: tuple[int, ...], outcome: str
) -> None:
    account.waits()
    (task,) = account.started()
    account.end(task, *codes)
    account.in_stage(OTHER_RUN)

    account.waits()

    assert [entry["outcome"] for name, entry in account.entries() if name == "ended"] == [outcome]


def test_another_run_starts_no_task_while_that_of_an_unknown_request_could_start(account: Account) -> None:
    account.errors["RunTask"] = ["ServerException"]
    account.waits()
    account.in_stage(OTHER_RUN)

    assert "its task can still start" in account.fails()
    # As long as the other run could repeat its request, no task may start beside it.
    account.now += migrate.TOKEN_SECONDS
    assert "its task can still start" in account.fails()
    account.now += migrate.START_SECONDS
    account.waits()
    assert len(account.started()) == 1
    assert [entry["outcome"] for name, entry in account.entries() if name == "ended"] == ["unknown"]


@pytest.mark.parametrize("status", [{}, {"desiredStatus": "STOPPED", "lastStatus": "STOPPING"}])
def test_a_task_that_somebody_started_by_hand_is_not_joined(account: Account, status: dict[str, str]) -> None:
    task = account.add_task(**status)
    account.add_task("another-family")

    assert account.fails() == f"another migration is running; when its task {task} has ended, retry this stage"
    account.end(task, 0)
    account.waits()
    assert {request["family"] for request in account.asked("ListTasks")} == {FAMILY}


def test_a_release_that_begins_twice_after_an_unknown_answer_starts_one_task(account: Account) -> None:
    run = account.answers["RunTask"][0]

    def lost(asked: dict[str, Any]) -> Any:
        account.answers["RunTask"] = [run]
        run(asked)
        return "ServerException"

    account.answers["RunTask"] = [lost]

    account.waits(account.waits(account.waits()))
    assert len(account.started()) == 1


def test_a_request_whose_token_may_have_expired_is_not_repeated(account: Account) -> None:
    account.errors["RunTask"] = ["ServerException"]
    account.waits()
    account.now += HOUR

    assert "because ECS no longer returns its task" in account.fails()
    assert account.started() == []


def test_a_token_with_which_another_request_started_a_task_leads_to_this_task(account: Account) -> None:
    run = account.answers["RunTask"][0]

    def otherwise(asked: dict[str, Any]) -> Any:
        account.answers["RunTask"] = [run]
        run({**asked, "count": 2})
        return run(asked)

    account.answers["RunTask"] = [otherwise]

    token = account.waits()

    (task,) = account.started()
    account.end(task, 0)
    assert account.invoke(token) == ("done", f"done by {task}")


@pytest.mark.parametrize(
    ("kind", "of_stage"),
    [("ROLLBACK", "ROLLBACK"), ("ROLLBACK", None), ("STANDARD", "ROLLBACK"), ("ROLLBACK", "STANDARD")],
)
def test_a_rollback_runs_nothing(account: Account, kind: str, of_stage: str | None) -> None:
    account.in_stage(kind=kind, of_stage=of_stage)

    assert account.invoke() == ("done", "not run, because this is a rollback")
    assert not account.started()
    assert not account.asked("AssumeRole")


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param({"kind": None}, "its type is unknown", id="a run of no type"),
        pytest.param({"kind": "NEW"}, "its type is NEW", id="a type that is not known yet"),
        pytest.param({"status": "Stopping"}, "no run is in progress in the stage Staging", id="a run that stops"),
        pytest.param({"status": "Failed"}, "no run is in progress in the stage Staging", id="a late event"),
    ],
)
def test_nothing_runs_if_it_is_not_certain_that_this_is_a_release(account: Account, edits: Any, expected: str) -> None:
    account.in_stage(**edits)

    assert expected in account.fails()
    assert not account.asked("RunTask")


@pytest.mark.parametrize("stage", ["Production", "Nowhere"])
def test_a_stage_that_no_run_has_reached_runs_nothing(account: Account, stage: str) -> None:
    assert account.fails(parameters={**ASKED, "stage": stage}) == f"no run is in progress in the stage {stage}"


OTHER_IMAGE = f"{REPOSITORY}@sha256:{'e' * 64}"


@pytest.mark.parametrize(
    ("image", "asked", "found", "expected"),
    [
        (OTHER_IMAGE, ASKED["image"], scan("COMPLETE"), f" must run only {ASKED['image']}, but it has {OTHER_IMAGE}"),
        (f"docker.io/x@{DIGEST}", f"docker.io/x@{DIGEST}", scan("COMPLETE"), "does not name an image in"),
        (f"{REPOSITORY}:latest", f"{REPOSITORY}:latest", scan("COMPLETE"), "does not name an image in"),
        (ASKED["image"], ASKED["image"], scan("COMPLETE", HIGH=1), "found vulnerabilities: {'HIGH': 1}"),
        (ASKED["image"], ASKED["image"], scan("IN_PROGRESS"), "has status IN_PROGRESS"),
        (ASKED["image"], ASKED["image"], scan("FAILED"), "has status FAILED"),
    ],
    ids=["another digest", "another registry", "a tag", "a finding", "a scan that does not end", "a failed scan"],
)
def test_an_image_that_was_not_verified_runs_nothing(
    account: Account, image: str, asked: str, found: Any, expected: str
) -> None:
    account.image = image
    account.answers["DescribeImageScanFindings"] = [found]

    assert expected in account.fails(parameters={**ASKED, "image": asked})
    assert not account.asked("RunTask")
    assert not account.objects


@pytest.mark.parametrize(
    "operation",
    [
        *("GetPipelineState", "AssumeRole", "DescribeTaskDefinition", "DescribeImageScanFindings", "ListTasks"),
        *("PutObject", "ListObjectsV2", "RunTask", "DescribeTasks"),
    ],
)
@pytest.mark.parametrize("code", ["ThrottlingException", "ServerException", "SlowDown", "ExpiredTokenException"])
def test_an_error_that_passes_does_not_fail_the_release(account: Account, operation: str, code: str) -> None:
    account.errors[operation] = [code, code]

    token = account.waits()
    for _ in range(4):
        token = account.waits(token)
    (task,) = account.started()
    account.end(task, 0)

    assert account.invoke(token) == ("done", f"done by {task}")


@pytest.mark.parametrize("operation", ["DescribeTasks", "PutObject", "GetLogEvents"])
def test_an_error_at_the_end_does_not_hide_how_the_task_ended(account: Account, operation: str) -> None:
    token = account.waits()
    account.end(account.started()[0], 3)
    account.errors[operation] = ["InternalError"]

    if operation != "GetLogEvents":
        token = account.waits(token)

    assert account.fails(token).startswith("the migration failed: exit code 3.")


def test_a_connection_that_breaks_does_not_fail_the_release(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    token = account.waits()

    def unreachable(*_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://ecs")

    with monkeypatch.context() as patched:
        patched.setattr(migrate, "describe_task", unreachable)
        token = account.waits(token)

    account.end(account.started()[0], 0)
    assert account.invoke(token)[0] == "done"


def test_errors_that_do_not_pass_fail_the_release_and_a_retry_continues(account: Account) -> None:
    token = account.waits()
    account.errors["DescribeTasks"] = ["ThrottlingException"] * 3
    token = account.waits(token)
    account.now += HOUR - 1
    token = account.waits(token)
    account.now += 1

    assert "ThrottlingException" in account.fails(token)
    account.waits()
    assert len(account.started()) == 1


def test_the_time_of_errors_begins_anew_after_a_success(account: Account) -> None:
    token = account.waits()
    for _ in range(3):
        account.errors["DescribeTasks"] = ["ThrottlingException"]
        token = account.waits(token)
        account.now += HOUR - 1
        token = account.waits(token)

    assert "failingSince" not in json.loads(token)


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("RunTask", "AccessDeniedException"),
        ("RunTask", "InvalidParameterException"),
        ("AssumeRole", "AccessDenied"),
        ("PutObject", "AccessDenied"),
        ("GetPipelineState", "ValidationException"),
    ],
)
def test_a_refusal_fails_the_release_at_once_and_can_be_retried(account: Account, operation: str, code: str) -> None:
    account.errors[operation] = [code]

    assert account.fails().find(f"An error occurred ({code})") >= 0
    assert not account.started()
    account.now += 3 * HOUR
    account.waits()
    assert len(account.started()) == 1


def test_a_request_that_botocore_refuses_fails_at_once(account: Account) -> None:
    assert account.fails(parameters={**ASKED, "role": "short"}).startswith("ParamValidationError: ")


@pytest.mark.parametrize(
    ("failures", "expected"), [([{"reason": "RESOURCE:ENI"}], "RESOURCE:ENI"), ([], "no reason given")]
)
def test_a_task_that_ecs_does_not_start_fails_with_its_reason(
    account: Account, failures: list[dict[str, str]], expected: str
) -> None:
    behaviour = account.answers["RunTask"]
    account.answers["RunTask"] = [{"tasks": [], "failures": failures}]

    assert account.fails() == f"ECS did not start the migration: {expected}"
    account.answers["RunTask"] = behaviour
    account.waits()
    assert len(account.started()) == 1


def test_a_new_task_that_ecs_does_not_know_yet_is_awaited(account: Account) -> None:
    token = account.waits()
    behaviour = account.answers["DescribeTasks"]
    account.answers["DescribeTasks"] = [{"tasks": [], "failures": []}]
    account.now += 9 * 60

    token = account.waits(token)
    account.answers["DescribeTasks"] = behaviour
    account.end(account.started()[0], 0)
    assert account.invoke(token)[0] == "done"


def test_waiting_has_an_end_that_stops_no_task(account: Account) -> None:
    token = account.waits()
    (task,) = account.started()
    account.now += 6 * HOUR
    token = account.waits(token)
    account.now += 1

    assert account.fails(token) == f"the migration {task} is still running after 360 minutes; it was not stopped"
    assert not account.asked("StopTask")


@pytest.fixture
def job_account(account: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Return an account in which the function tests a job."""
    for name, value in {"SUBJECT": "job", "RECORDS": "job-checks", "LIMIT_MINUTES": "60"}.items():
        monkeypatch.setenv(name, value)
    return account


def test_a_job_runs_once_as_the_test_of_its_release(job_account: Account) -> None:
    token = job_account.waits()
    (task,) = job_account.started()
    job_account.end(task, 0)

    assert job_account.invoke(token) == ("done", f"done by {task}")
    assert all(key.startswith("shop/job-checks/staging/") for key in job_account.objects)


def test_a_failed_run_of_a_job_stops_the_release(job_account: Account) -> None:
    token = job_account.waits()
    job_account.end(job_account.started()[0], 4, reason="Essential container in task exited")

    assert job_account.fails(token).startswith("the job failed: exit code 4; Essential container in task exited")


def test_the_test_of_a_job_waits_for_the_end_of_a_scheduled_run(job_account: Account) -> None:
    scheduled = job_account.add_task()
    token = job_account.waits()
    assert job_account.started() == [scheduled]
    job_account.end(scheduled, 1)

    token = job_account.waits(token)
    _, task = job_account.started()
    job_account.end(task, 0)
    assert job_account.invoke(token)[0] == "done"


def test_the_test_of_a_job_waits_for_a_run_that_the_schedule_starts_while_the_image_is_verified(
    job_account: Account,
) -> None:
    def starts_a_run(asked: dict[str, Any]) -> Any:
        job_account.answers["DescribeImageScanFindings"] = [scan("COMPLETE")]
        job_account.add_task()
        return scan("COMPLETE")

    job_account.answers["DescribeImageScanFindings"] = [starts_a_run]
    token = job_account.waits()
    (scheduled,) = job_account.started()
    assert not job_account.objects
    job_account.end(scheduled, 0)

    token = job_account.waits(token)
    _, task = job_account.started()
    job_account.end(task, 0)
    assert job_account.invoke(token) == ("done", f"done by {task}")


@pytest.mark.no_cover
@pytest.mark.parametrize("subject", ["migration", "job"])
@pytest.mark.parametrize("sidecar", [None, 137, 0], ids=["still stopping", "killed", "ended well"])
def test_a_container_that_aws_adds_to_a_task_does_not_decide_its_outcome(
    account: Account, monkeypatch: pytest.MonkeyPatch, subject: str, sidecar: int | None
) -> None:
    monkeypatch.setenv("SUBJECT", subject)
    token = account.waits()
    (first,) = account.started()
    account.end(first, 1, sidecars={"aws-guardduty-agent-1": sidecar})
    failure = account.fails(token)
    (asked,) = account.asked("GetLogEvents")
    token = account.waits()
    _, second = account.started()
    account.end(second, 0, sidecars={"aws-guardduty-agent-1": sidecar})

    assert failure.startswith(f"the {subject} failed: exit code 1.")
    assert asked["logStreamName"] == f"task/shop/{first.rpartition('/')[2]}"
    assert account.invoke(token) == ("done", f"done by {second}")
    assert {asked["taskDefinition"] for asked in account.asked("DescribeTaskDefinition")} == {ASKED["definition"]}


def test_an_attempt_of_an_older_task_definition_is_judged_by_the_containers_of_that_definition(
    account: Account,
) -> None:
    account.waits()
    (task,) = account.started()
    account.end(task, 0)
    account.in_stage(OTHER_RUN)
    definition = f"{ASKED['definition'].rpartition(':')[0]}:8"

    account.waits(parameters={**ASKED, "definition": definition})

    asked = [each["taskDefinition"] for each in account.asked("DescribeTaskDefinition")]
    assert asked == [ASKED["definition"], ASKED["definition"], definition]


def test_the_test_of_a_job_does_not_wait_for_ever(job_account: Account) -> None:
    scheduled = job_account.add_task()
    token = job_account.waits()
    job_account.now += HOUR + 1

    assert job_account.fails(token) == f"another job is running; when its task {scheduled} has ended, retry this stage"


def test_a_run_of_a_job_that_lasts_too_long_fails_the_release(job_account: Account) -> None:
    token = job_account.waits()
    (task,) = job_account.started()
    job_account.now += HOUR + 1

    assert job_account.fails(token) == f"the job {task} is still running after 60 minutes; it was not stopped"


def test_no_job_runs_in_a_rollback(job_account: Account) -> None:
    job_account.in_stage(kind="ROLLBACK")

    assert job_account.invoke() == ("done", "not run, because this is a rollback")
    assert not job_account.started()


@pytest.mark.parametrize(
    ("codes", "reason", "code", "expected"),
    [
        ((3,), "Essential container in task exited", "EssentialContainerExited", "exit code 3; Essential container in"),
        ((None,), "CannotPullContainerError", "TaskFailedToStart", "no exit code; CannotPullContainerError"),
        ((0, 137), "", "EssentialContainerExited", "exit code 0, exit code 137"),
        ((0,), "Task stopped by user", "UserInitiated", "exit code 0; Task stopped by user"),
        ((), "TaskFailedToStart", "TaskFailedToStart", "TaskFailedToStart"),
    ],
    ids=["exit code", "never started", "one of two", "stopped by somebody", "no container"],
)
def test_any_other_end_stops_the_release(
    account: Account, codes: tuple[int | None, ...], reason: str, code: str, expected: str
) -> None:
    account.containers = ["shop", "proxy"][: max(len(codes), 1)]
    token = account.waits()
    account.end(account.started()[0], *codes, reason=reason, code=code)

    assert account.fails(token).startswith(f"the migration failed: {expected}")


def failed_with_log(account: Account, lines: list[str], reason: str = "") -> str:
    token = account.waits()
    account.end(account.started()[0], 1, reason=reason)
    account.answers["GetLogEvents"] = [{"events": [{"message": line} for line in lines]}]
    return account.fails(token)


def test_a_failure_is_told_with_the_last_lines_of_the_log(account: Account) -> None:
    lines = ["Traceback", "\x1b[31mrelation\u202e orders\tdoes not exist\x1b[0m\r\nforged: ok", "x" * 500]

    assert failed_with_log(account, lines).splitlines() == [
        "the migration failed: exit code 1. Its log ends with:",
        "Traceback",
        "[31mrelation orders does not exist[0m forged: ok",
        "x" * migration_tasks.LINE_LENGTH,
    ]
    (asked,) = account.asked("GetLogEvents")
    stream = f"task/shop/{account.started()[0].rpartition('/')[2]}"
    assert (asked["logGroupName"], asked["logStreamName"]) == (ASKED["log"], stream)
    assert asked["limit"] == migration_tasks.LOG_LINES


def test_a_long_log_and_a_long_reason_leave_the_newest_lines(account: Account) -> None:
    told = failed_with_log(account, [f"{number} {'y' * 150}" for number in range(15)], "r" * 900)

    assert len(told) <= migrate.MESSAGE_LENGTH
    assert [line.partition(" ")[0] for line in told.splitlines()[1:]] == ["12", "13", "14"]


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_log_that_cannot_be_read_does_not_hide_the_failure(account: Account, code: str) -> None:
    token = account.waits()
    account.end(account.started()[0], 1)
    account.errors["GetLogEvents"] = [code]

    assert account.fails(token).startswith("the migration failed: exit code 1. Its log cannot be read: ")


@pytest.mark.parametrize("code", ["InvalidJobStateException", "JobNotFoundException"])
def test_a_job_that_was_answered_before_is_done(account: Account, code: str) -> None:
    account.answer("PutJobFailureResult", code)

    migrate.handler(job("no parameters"), Clock(60))

    assert account.put()[0] == "PutJobFailureResult"


def test_an_answer_that_does_not_arrive_is_raised_so_that_lambda_tries_again(account: Account) -> None:
    account.answer("PutJobFailureResult", "ThrottlingException")

    with pytest.raises(ClientError, match="ThrottlingException"):
        migrate.handler(job("no parameters"), Clock(60))
    assert account.put()[1]["jobId"] == JOB
