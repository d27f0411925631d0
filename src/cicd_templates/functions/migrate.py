"""Run a release's migration as one task in another account, and answer the pipeline's job when the task has stopped.

The user parameters are `pipeline` and `stage`, `role` (assumed to run the task), `region`, `cluster`, `definition`,
`subnets` (with commas), `group` (of the task's network interface) and `log` (the log group). A task can run for longer
than a function, so the job is answered with a continuation token, and CodePipeline invokes the function again. The
event is never logged, because it contains credentials.

A rollback deploys an older release. Its migration must not meet the newer schema, so nothing runs. The variables of a
rollback are those of the older run, so the function asks CodePipeline which run is in the stage.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from cicd_templates.functions.pipeline_jobs import answer_job, fail_job
from cicd_templates.functions.role_clients import client_in_role

MESSAGE_LENGTH = 1000
LOG_LINES = 15
LINE_LENGTH = 160
FAILURE_LENGTH = 300
STOPPED = "STOPPED"
# Attempts of one run, each started by a person who retried the stage.
ATTEMPTS = 10
# A migration that runs for longer fails the release. The task is not stopped, because that could break the schema.
LIMIT_SECONDS = 6 * 60 * 60
# ECS may not know a new task at once: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
UNKNOWN_SECONDS = 120


class MigrationError(Exception):
    """Raised if the migration failed or could not be run. The message says why."""


def handler(event: dict[str, Any], context: object) -> None:
    """Report the job's success, its continuation, or why the migration failed, with the end of the task's log."""
    import boto3

    job = event["CodePipeline.job"]
    pipeline = boto3.client("codepipeline")
    try:
        parameters = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
        token = job["data"].get("continuationToken")
        answer = _follow(parameters, json.loads(token)) if token else _begin(pipeline, parameters, job["id"])
    except Exception as error:
        reason = str(error) if isinstance(error, MigrationError) else f"{type(error).__name__}: {error}"
        fail_job(pipeline, job["id"], _printable(reason)[:MESSAGE_LENGTH])
    else:
        answer_job(pipeline.put_job_success_result, jobId=job["id"], **answer)


def _printable(text: str) -> str:
    """Return `text` without control and format characters, which could change how it is displayed."""
    lines = ("".join(character for character in line if character.isprintable()) for line in text.splitlines())
    return "\n".join(lines)


def _begin(pipeline: Any, parameters: dict[str, str], job: str) -> dict[str, Any]:
    """Start the task, unless the run is a rollback. Return the answer to the job.

    A retry of the stage is another job of the same run. It follows the task of the earlier job if that still runs, and
    starts another attempt only if the earlier one has failed.
    """
    run = _run_in_stage(pipeline, parameters)
    if run is None:
        return {"outputVariables": {"Migration": "not run, because this is a rollback"}}
    ecs = _client("ecs", parameters)
    for attempt in range(ATTEMPTS):
        task, is_of_this_job = _start_task(ecs, parameters, f"{run}/{parameters['stage']}/{attempt}", job)
        state = {"task": task, "since": int(time.time())}
        if is_of_this_job or not (tasks := _describe_tasks(ecs, parameters, task)) or tasks[0]["lastStatus"] != STOPPED:
            return {"continuationToken": json.dumps(state)}
        if not _failure(tasks[0]):
            return _success(task)
    raise MigrationError(f"the migration failed {ATTEMPTS} times in this run; release again")


def _run_in_stage(pipeline: Any, parameters: dict[str, str]) -> str | None:
    """Return the id of the run that is in the stage now, or None if it is a rollback.

    Raises `MigrationError` if CodePipeline does not say what it is. Then nothing may run.
    """
    stages = pipeline.get_pipeline_state(name=parameters["pipeline"])["stageStates"]
    latest: dict[str, str] = next(
        (stage.get("latestExecution", {}) for stage in stages if stage["stageName"] == parameters["stage"]), {}
    )
    if latest.get("status") != "InProgress":
        raise MigrationError(f"no run is in progress in the stage {parameters['stage']}")
    run = latest["pipelineExecutionId"]
    execution = pipeline.get_pipeline_execution(pipelineName=parameters["pipeline"], pipelineExecutionId=run)
    kind = execution["pipelineExecution"].get("executionType", "unknown")
    if "ROLLBACK" in (kind, latest.get("type")):
        return None
    if kind != "STANDARD":
        raise MigrationError(f"the run {run} is neither a release nor a rollback; its type is {kind}")
    return run


def _client(service: str, parameters: dict[str, str]) -> Any:
    return client_in_role(service, parameters["role"], parameters["region"], "migration")


def _start_task(ecs: Any, parameters: dict[str, str], name: str, job: str) -> tuple[str, bool]:
    """Return the ARN of the task `name`, and whether `job` has started it. Start the task unless it was started before.

    The name becomes the token of the request. ECS refuses a token with which another job has started a task:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
    """
    network = {
        "subnets": parameters["subnets"].split(","),
        "securityGroups": [parameters["group"]],
        "assignPublicIp": "DISABLED",
    }
    try:
        answer = ecs.run_task(
            cluster=parameters["cluster"],
            taskDefinition=parameters["definition"],
            launchType="FARGATE",
            count=1,
            clientToken=hashlib.sha256(name.encode()).hexdigest(),
            startedBy=job,
            networkConfiguration={"awsvpcConfiguration": network},
        )
    except ecs.exceptions.ConflictException as error:
        return str(error.response["resourceIds"][0]), False
    if not answer["tasks"]:
        reasons = "; ".join(failure.get("reason", "") for failure in answer.get("failures", ()))
        raise MigrationError(f"ECS did not start the migration: {reasons or 'no reason given'}")
    return str(answer["tasks"][0]["taskArn"]), True


def _follow(parameters: dict[str, str], state: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to the job of a task that was started before. Raises `MigrationError` if the task failed."""
    task, waited = state["task"], time.time() - state["since"]
    tasks = _describe_tasks(_client("ecs", parameters), parameters, task)
    if not tasks and waited > UNKNOWN_SECONDS:
        raise MigrationError(f"ECS no longer knows {task}, so how it ended is unknown; see its log")
    if not tasks or tasks[0]["lastStatus"] != STOPPED:
        if waited > LIMIT_SECONDS:
            raise MigrationError(f"{task} still runs after {LIMIT_SECONDS // 3600} hours; see its log, then retry")
        return {"continuationToken": json.dumps(state)}
    if failure := _failure(tasks[0]):
        reason = f"the migration failed: {failure[:FAILURE_LENGTH]}"
        raise MigrationError(f"{reason}{_end_of_log(parameters, tasks[0])}")
    return _success(task)


def _success(task: str) -> dict[str, Any]:
    return {"outputVariables": {"Migration": f"done by {task}"}}


def _describe_tasks(ecs: Any, parameters: dict[str, str], task: str) -> list[dict[str, Any]]:
    """Return the task alone. The list is empty if ECS does not know the task yet, or an hour after it has stopped."""
    tasks: list[dict[str, Any]] = ecs.describe_tasks(cluster=parameters["cluster"], tasks=[task])["tasks"]
    return tasks


def _failure(task: dict[str, Any]) -> str:
    """Return why a stopped task failed, or an empty string.

    It is a success only if every container has the exit code 0 and the task stopped because its container ended. A
    program can also exit with 0 after somebody stopped the task in the middle.
    """
    codes = [container.get("exitCode") for container in task["containers"]]
    if codes and all(code == 0 for code in codes) and task.get("stopCode") == "EssentialContainerExited":
        return ""
    reasons = [task.get("stoppedReason", ""), *(container.get("reason", "") for container in task["containers"])]
    exits = ", ".join("no exit code" if code is None else f"exit code {code}" for code in codes)
    return "; ".join(filter(None, [exits, *reasons]))


def _end_of_log(parameters: dict[str, str], task: dict[str, Any]) -> str:
    """Return the last lines of the task's log, or why they cannot be read. Each line is cut."""
    try:
        stream = f"task/{task['containers'][0]['name']}/{task['taskArn'].rpartition('/')[2]}"
        events = _client("logs", parameters).get_log_events(
            logGroupName=parameters["log"], logStreamName=stream, limit=LOG_LINES, startFromHead=False
        )["events"]
    except Exception as error:
        return f". Its log cannot be read: {type(error).__name__}"
    room = MESSAGE_LENGTH // 2
    lines: list[str] = []
    # The newest lines say why it failed, so the oldest are left out first.
    for event in reversed(events):
        line = _printable(" ".join(event["message"].split()))[:LINE_LENGTH]
        room -= len(line) + 1
        if room < 0:
            break
        lines.insert(0, line)
    return ". Its log ends with:\n" + "\n".join(lines) if lines else ". Its log is empty."
