"""Runs the deployed release of an ECS service as a process: a web service during its tests, a worker until it is idle.

A rehearsal does not build the image of a release, so it does not know the image's command. A script in the source
starts the application instead.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd_templates.local.deployment_hooks import STAGE
from cicd_templates.local.engine_process import free_port
from cicd_templates.local.iam_decisions import ALLOWED
from cicd_templates.rehearsal.grants import role_name
from cicd_templates.rehearsal.pipeline_definition import Action
from cicd_templates.rehearsal.pipeline_run import ActionFailedError, PipelineRun
from cicd_templates.rehearsal.result import NOT_SHOWN, ActionProgress
from cicd_templates.rehearsal.task_process import Task, prepare_task
from cicd_templates.template.arn import Arn

SERVE_SCRIPT, WORK_SCRIPT = Path("rehearsal/serve"), Path("rehearsal/work")
HOST = "127.0.0.1"
READY_SECONDS = 20.0
# How long a worker runs at most, and how long it may take to end after SIGTERM.
WORK_SECONDS, STOP_SECONDS = 60.0, 5.0
# How long a worker without a queue runs.
IDLE_SECONDS = 3.0
POLL_SECONDS = 0.05
RECEIVE = "sqs:ReceiveMessage"
MESSAGE_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)


@dataclass(frozen=True)
class DeployedService:
    """The ECS service of a deployed stack, and the task definition of the service.

    `later_hooks` are the functions that ECS calls after it has started the first task of a deployment.
    """

    arn: str
    definition: str
    is_web: bool
    later_hooks: tuple[str, ...] = ()

    def new_task(self) -> str:
        """Return the ARN of a new task of the service."""
        cluster = Arn.parse(self.arn).resource.split("/")[1]
        return f"{self.arn.partition(':service/')[0]}:task/{cluster}/{uuid.uuid4().hex}"


def find_service(run: PipelineRun, deploying: Action) -> DeployedService | None:
    """Return the ECS service in the stack of a CloudFormation action, or None if the stack has none."""
    account = run.setup.root_session(deploying.role or run.pipeline.role)
    pages = account.client("cloudformation").get_paginator("list_stack_resources")
    for page in pages.paginate(StackName=run.resolve_configuration(deploying)["StackName"]):
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] == "AWS::ECS::Service":
                arn = resource["PhysicalResourceId"]
                cluster = Arn.parse(arn).resource.split("/")[1]
                (found,) = account.client("ecs").describe_services(cluster=cluster, services=[arn])["services"]
                hooks = found.get("deploymentConfiguration", {}).get("lifecycleHooks", ())
                later = {hook["hookTargetArn"] for hook in hooks if set(hook["lifecycleStages"]) - {STAGE}}
                names = tuple(sorted(function.rpartition(":")[2] for function in later))
                return DeployedService(arn, found["taskDefinition"], bool(found["loadBalancers"]), names)
    return None


@contextlib.contextmanager
def serve(run: PipelineRun, step: ActionProgress, deploying: Action) -> Iterator[str]:
    """Run the script `rehearsal/serve` as the web service that an action deployed, and yield its address.

    Besides the variables of the task, the script gets HOST and PORT. PORT differs from the container's port, because
    all processes share the ports of this machine.

    Raises `ActionFailedError` if the action deployed no service, if the source does not contain the script, or if the
    application does not listen.
    """
    service = find_service(run, deploying)
    if service is None:
        raise ActionFailedError(f"{deploying.path} deploys no ECS service, so nothing can answer")
    task = prepare_task(run, step, service.new_task(), service.definition)
    if not (task.source / SERVE_SCRIPT).is_file():
        raise ActionFailedError(
            "the deployed service cannot answer, because a rehearsal runs no containers;"
            f" add the script {SERVE_SCRIPT} to the source to start the application on $HOST and $PORT"
        )
    port = free_port()
    with task.running(task.command_of_script(SERVE_SCRIPT), HOST=HOST, PORT=str(port)) as process:
        deadline = time.monotonic() + READY_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ActionFailedError(f"{SERVE_SCRIPT} does not listen on {HOST}:{port}", task.log())
            time.sleep(POLL_SECONDS)
        yield f"http://{HOST}:{port}"


def work(run: PipelineRun, step: ActionProgress, deploying: Action) -> None:
    """Run the worker that the action `deploying` has deployed. Stop the worker when its queues are empty.

    The script `rehearsal/work` starts the worker. If the action has deployed no worker, nothing runs. Raises
    `ActionFailedError` if the worker ends by itself.
    """
    service = find_service(run, deploying)
    if service is None or service.is_web:
        return
    task = prepare_task(run, step, service.new_task(), service.definition)
    if not (task.source / WORK_SCRIPT).is_file():
        step.note(f"{NOT_SHOWN}that the worker runs, because the source has no script {WORK_SCRIPT} to start it")
        return
    step.note(f"a rehearsal starts no containers, so the worker is a local process that {WORK_SCRIPT} has started")
    queues = _queues(run, task)
    before = len(run.setup.calls.rows())
    with task.running(task.command_of_script(WORK_SCRIPT)) as process:
        deadline = time.monotonic() + (WORK_SECONDS if queues else IDLE_SECONDS)
        while process.poll() is None and time.monotonic() < deadline:
            if queues and _received(run, task, queues, before) and all(queue.is_empty() for queue in queues):
                break
            time.sleep(POLL_SECONDS)
        else:
            if queues:
                step.note(
                    f"{NOT_SHOWN}that the worker empties its queues; it did not do so within {WORK_SECONDS:.0f} seconds"
                )
        ended = process.poll()
        if ended is None:
            _terminate(process)
    if ended is not None:
        raise ActionFailedError(
            f"{WORK_SCRIPT} ended with exit code {ended} before it was stopped; in AWS, ECS restarts it", task.log()
        )


@dataclass(frozen=True)
class _Queue:
    """A queue from which a task role may receive messages."""

    arn: str
    url: str
    sqs: Any

    def is_empty(self) -> bool:
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=list(MESSAGE_COUNTS))["Attributes"]
        return not any(int(found.get(name, 0)) for name in MESSAGE_COUNTS)


def _queues(run: PipelineRun, task: Task) -> list[_Queue]:
    """Return the queues from which an inline policy of the task role allows the task to receive messages."""
    account = run.setup.root_session(task.arn)
    iam, sqs = account.client("iam"), account.client("sqs")
    found = []
    for name in iam.list_role_policies(RoleName=task.role)["PolicyNames"]:
        policy = iam.get_role_policy(RoleName=task.role, PolicyName=name)["PolicyDocument"]
        for statement in policy["Statement"]:
            resources = statement["Resource"] if RECEIVE in statement["Action"] else ()
            for arn in [resources] if isinstance(resources, str) else resources:
                queue = sqs.get_queue_url(QueueName=Arn.parse(arn).resource)["QueueUrl"]
                found.append(_Queue(arn, queue, sqs))
    return found


def _received(run: PipelineRun, task: Task, queues: list[_Queue], before: int) -> bool:
    """Return whether the local AWS has already allowed the task to receive messages from each of the `queues`.

    `before` is the number of IAM decisions that were recorded before the task started. They are ignored.
    """
    asked = {
        resource
        for principal, action, resource, decision, _ in run.setup.calls.rows()[before:]
        if (action, decision) == (RECEIVE, ALLOWED) and role_name(principal) == task.role
    }
    return asked >= {queue.arn for queue in queues}


def _terminate(process: subprocess.Popen[bytes]) -> None:
    """Send SIGTERM, as ECS does to the first process of a container. Then wait a short time until the process ends."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
