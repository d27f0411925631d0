"""Run an ECS task of a release once in another account, and report its result to CodePipeline.

The environment variable `SUBJECT` says what the task is: `migration`, or `job` for the test run of a service with the
shape `job`. A task may run longer than a Lambda function may. So while the task runs, the function answers CodePipeline
with a continuation token, and CodePipeline invokes the function again.

Before the function starts a task, it records the attempt as evidence. Three rules apply:

- In an environment, an attempt begins only after the last attempt has ended. This is also true for attempts of
  different pipeline runs.
- After an attempt has succeeded, no other attempt begins for the same pipeline run.
- In a rollback, which deploys an older release, no attempt begins, because an older migration must not change the newer
  schema. To recognize a rollback, the function asks CodePipeline which run is in the stage.

The user parameters:

- `role`: the role that the function assumes to run the task
- `definition` and `image`: the task definition, and the only image that may run, with its digest
- `subnets` and `group`: the subnets, separated by commas, and the security group of the task
- `log`: the log group
- `stage`, `environment`, `region` and `cluster`

The environment variable `PIPELINE` is the name of the pipeline, and `LIMIT_MINUTES` is the longest time that a task may
run. The event is never logged, because it contains credentials.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from cicd_templates.functions.migration_attempts import FAILED, SUCCEEDED, UNKNOWN, Attempt, Attempts
from cicd_templates.functions.migration_tasks import (
    STOPPED,
    TaskRunError,
    client,
    describe_task,
    failure_of,
    images_of,
    printable,
    running_tasks,
    start_task,
    subject,
)
from cicd_templates.functions.pipeline_jobs import answer_job, fail_job, read_parameters
from cicd_templates.functions.registry_scan import image_problem
from cicd_templates.functions.transient_errors import is_transient

MESSAGE_LENGTH = 1000
# ECS may not return a new task immediately: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
NEW_SECONDS = 10 * 60
# ECS keeps the token of a request for at least an hour. Later, the same request could start a second task.
TOKEN_SECONDS = 50 * 60
# The longest time from reading the record of attempts to the start of a task. The function's timeout is shorter.
START_SECONDS = 5 * 60
# Errors of AWS that another invocation would repeat. After any other error, the function is invoked again. For example,
# S3 refuses to store evidence that another invocation has already stored.
PERMANENT = (
    *("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnrecognizedClientException"),
    *("ValidationError", "ValidationException", "InvalidParameterException", "InvalidParameterValue"),
    *("ClientException", "ClusterNotFoundException", "PipelineNotFoundException", "PipelineExecutionNotFoundException"),
    *("NoSuchBucket", "ImageNotFoundException", "RepositoryNotFoundException", "BlockedException"),
    *("UnsupportedFeatureException", "PlatformUnknownException", "PlatformTaskDefinitionIncompatibilityException"),
)
# If errors last longer than this, the release fails. A retry of the stage then continues with the same task.
ERROR_SECONDS = 60 * 60
# The user parameters.
REQUIRED = frozenset(
    {*("stage", "environment", "role", "region", "cluster", "definition"), *("image", "subnets", "group", "log")}
)


def handler(event: dict[str, Any], context: Any) -> None:
    """Report that the job succeeded, continues or failed. A failure has its reason and the end of the log."""
    import boto3

    job = event["CodePipeline.job"]
    pipeline = boto3.client("codepipeline")
    failing_since = int(time.time())
    state: dict[str, Any] = {"since": failing_since, "job": job["id"]}
    try:
        parameters = read_parameters(job, REQUIRED)
        state = json.loads(job["data"].get("continuationToken", "null")) or state
        failing_since = state.pop("failingSince", failing_since)
        answer = _advance(pipeline, parameters, state, context)
    except Exception as error:
        if is_transient(error, PERMANENT) and time.time() - failing_since < ERROR_SECONDS:
            print(f"{type(error).__name__}: {error}; trying again")
            answer = _continuation({**state, "failingSince": failing_since})
        else:
            reason = str(error) if isinstance(error, TaskRunError) else f"{type(error).__name__}: {error}"
            fail_job(pipeline, job["id"], printable(reason)[:MESSAGE_LENGTH])
            return
    answer_job(pipeline.put_job_success_result, jobId=job["id"], **answer)


def _success(outcome: str) -> dict[str, Any]:
    return {"outputVariables": {subject().capitalize(): outcome}}


def _continuation(state: dict[str, Any]) -> dict[str, Any]:
    return {"continuationToken": json.dumps(state)}


def _advance(pipeline: Any, parameters: dict[str, str], state: dict[str, Any], context: Any) -> dict[str, Any]:
    """Begin or follow an attempt to run the task, and return the answer for CodePipeline. The first true case counts:

    - The continuation token, `state`, names an attempt: follow this attempt.
    - The pipeline run is a rollback: run nothing.
    - The pipeline run has no attempt: begin an attempt.
    - The latest attempt has failed, and the stage was retried after the failure: begin an attempt.
    - All other cases: follow the latest attempt.
    """
    import boto3

    attempts = Attempts(boto3.client("s3"), parameters["environment"])
    if "attempt" in state:
        return _follow(attempts, attempts.read(state["attempt"]), parameters, state)
    run = _run_in_stage(pipeline, parameters["stage"])
    if run is None:
        return _success("not run, because this is a rollback")
    latest = attempts.latest()
    if latest and latest.run != run and not latest.outcome:
        _end_attempt_of_another_run(attempts, latest, parameters)
    if not latest or latest.run != run or (latest.outcome == FAILED and latest.job != state["job"]):
        number = latest.number + 1 if latest else 1
        if not _begin(attempts, number, parameters, run, state, context):
            return _continuation(state)
    else:
        number = latest.number
    state["attempt"] = number
    return _follow(attempts, attempts.read(number), parameters, state)


def _is_late(state: dict[str, Any]) -> bool:
    return bool(time.time() - state["since"] > int(os.environ["LIMIT_MINUTES"]) * 60)


def _run_in_stage(pipeline: Any, stage_name: str) -> str | None:
    """Return the id of the release that is in progress in the stage, or None if a rollback is in progress there.

    Raises `TaskRunError` if nothing is in progress, or if the run in progress is neither a release nor a rollback.
    """
    name = os.environ["PIPELINE"]
    stages = pipeline.get_pipeline_state(name=name)["stageStates"]
    latest: dict[str, str] = next(
        (stage.get("latestExecution", {}) for stage in stages if stage["stageName"] == stage_name), {}
    )
    if latest.get("status") != "InProgress":
        raise TaskRunError(f"no run is in progress in the stage {stage_name}")
    run = latest["pipelineExecutionId"]
    execution = pipeline.get_pipeline_execution(pipelineName=name, pipelineExecutionId=run)
    kind = execution["pipelineExecution"].get("executionType", "unknown")
    if "ROLLBACK" in (kind, latest.get("type")):
        return None
    if kind != "STANDARD":
        raise TaskRunError(f"the run {run} is neither a release nor a rollback; its type is {kind}")
    return run


def _begin(
    attempts: Attempts, number: int, parameters: dict[str, str], run: str, state: dict[str, Any], context: Any
) -> bool:
    """Record a new attempt and return True. Raises `TaskRunError` if the image is wrong.

    If another task is running, record no attempt:

    - For a test run of a job, return False, so that CodePipeline asks again. Raise `TaskRunError` after the time limit.
    - For a migration, raise `TaskRunError`.
    """
    import boto3

    ecs, registry = client("ecs", parameters), boto3.client("ecr")
    images = images_of(ecs, parameters)
    if set(images) != {parameters["image"]}:
        raise TaskRunError(
            f"{parameters['definition']} must run only {parameters['image']}, but it has {', '.join(images)}"
        )
    if problem := image_problem(registry, parameters["image"], context):
        raise TaskRunError(problem)
    if tasks := running_tasks(ecs, parameters):
        if subject() == "job" and not _is_late(state):
            return False
        raise TaskRunError(f"another {subject()} is running; when its task {tasks[0]} has ended, retry this stage")
    attempts.begin(number, run, state["job"], definition=parameters["definition"], image=parameters["image"])
    return True


def _end_attempt_of_another_run(attempts: Attempts, attempt: Attempt, parameters: dict[str, str]) -> None:
    """Record the outcome of an attempt that an earlier pipeline run began but did not finish.

    Raises `TaskRunError` if the task of the attempt may still start or run.
    """
    task = describe_task(client("ecs", parameters), parameters, attempt.task) if attempt.task else None
    if task and task["lastStatus"] == STOPPED:
        reason = failure_of(parameters, task)
        attempts.end(attempt.number, FAILED if reason else SUCCEEDED, reason)
    elif task or attempt.age < (NEW_SECONDS if attempt.task else TOKEN_SECONDS + START_SECONDS):
        raise TaskRunError(
            f"the {subject()} of the run {attempt.run} has not ended"
            f" ({attempt.task or 'its task can still start'}); when this {subject()} has ended, retry this stage"
        )
    else:
        attempts.end(
            attempt.number,
            UNKNOWN,
            ("the outcome is unknown: ECS had already forgotten the task when the next run asked for it"),
        )


def _follow(attempts: Attempts, attempt: Attempt, parameters: dict[str, str], state: dict[str, Any]) -> dict[str, Any]:
    """Start a task if the attempt has none yet. Return the answer to the pipeline's job."""
    if attempt.outcome == SUCCEEDED:
        return _success(f"done by {attempt.task}")
    if attempt.outcome:
        raise TaskRunError(attempt.reason)
    ecs = client("ecs", parameters)
    task = describe_task(ecs, parameters, attempt.task) if attempt.task else None
    if task and task["lastStatus"] == STOPPED:
        reason = failure_of(parameters, task)
        attempts.end(attempt.number, FAILED if reason else SUCCEEDED, reason)
        return _follow(attempts, attempts.read(attempt.number), parameters, state)
    if not task and attempt.age > (NEW_SECONDS if attempt.task else TOKEN_SECONDS):
        reason = (
            f"it is unknown whether the {subject()} succeeded, because ECS no longer returns"
            f" {attempt.task or 'its task'}. Read the log of the task in {parameters['log']}. This run does not repeat"
            f" the {subject()}; release again"
        )
        attempts.end(attempt.number, UNKNOWN, reason)
        raise TaskRunError(reason)
    if not attempt.task:
        _start(attempts, attempt, ecs, parameters)
    elif _is_late(state):
        raise TaskRunError(
            f"the {subject()} {attempt.task} is still running after {os.environ['LIMIT_MINUTES']} minutes; it "
            "was not stopped"
        )
    return _continuation(state)


def _start(attempts: Attempts, attempt: Attempt, ecs: Any, parameters: dict[str, str]) -> None:
    """Start the task of an attempt. If ECS refuses, end the attempt, so that a retry of the stage begins a new
    attempt.
    """
    name = f"{os.environ['PIPELINE']}/{parameters['environment']}/{attempt.number}/{attempt.run}"
    try:
        task = start_task(ecs, parameters, name, attempt.run)
    except Exception as error:
        if not is_transient(error, PERMANENT):
            attempts.end(attempt.number, FAILED, str(error))
        raise
    attempts.add_task(attempt.number, task)
