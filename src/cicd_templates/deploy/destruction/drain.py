"""Brings what runs to rest before its stack goes: pipeline runs are stopped, services drained."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.destruction.deployed import Owned
from cicd_templates.errors import CicdError

RUNNING = ("InProgress", "Stopping")
STOP_SECONDS = 900.0
DRAIN_SECONDS = 900.0
REASON = "its environment is being destroyed"

Say = Callable[[str], None]


def stop_runs(clients: Clients, pipelines: Iterable[str], polling: Polling, say: Say) -> None:
    """Stop every run of `pipelines` and wait for the end of the actions that are under way.

    After 15 minutes they are abandoned: what they have started, such as an operation on a stack, ends by itself.
    """
    for pipeline in pipelines:
        if runs := _runs(clients, pipeline):
            _stop_all(clients, pipeline, runs, polling, say)


def _stop_all(clients: Clients, pipeline: str, runs: list[str], polling: Polling, say: Say) -> None:
    for run in runs:
        say(f"{pipeline}: stops its run {run}")
        _stop(clients, pipeline, run, abandon=False)
    try:
        polling.until(lambda: not _runs(clients, pipeline), f"the runs of {pipeline}", STOP_SECONDS)
    except CicdError:
        for run in _runs(clients, pipeline):
            say(f"{pipeline}: abandons its run {run}")
            _stop(clients, pipeline, run, abandon=True)


def _runs(clients: Clients, pipeline: str) -> list[str]:
    if clients.local:
        # It records pipelines and runs none.
        return []
    try:
        pages = clients.codepipeline.get_paginator("list_pipeline_executions").paginate(pipelineName=pipeline)
        return [
            run["pipelineExecutionId"]
            for page in pages
            for run in page["pipelineExecutionSummaries"]
            if run["status"] in RUNNING
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] == "PipelineNotFoundException":
            return []
        raise


def _stop(clients: Clients, pipeline: str, run: str, *, abandon: bool) -> None:
    try:
        clients.codepipeline.stop_pipeline_execution(
            pipelineName=pipeline, pipelineExecutionId=run, abandon=abandon, reason=REASON
        )
    except ClientError as error:
        # It may have ended, or be stopping, by now.
        if error.response["Error"]["Code"] not in (
            "PipelineExecutionNotStoppableException",
            "DuplicatedStopRequestException",
        ):
            raise


def drain(clients: Clients, services: Iterable[Owned], polling: Polling, say: Say) -> None:
    """Let every service run down to no task, so that its load balancer stops sending before its network goes.

    What does not get there within 15 minutes is left to CloudFormation, which drains as well.
    """
    for service in services:
        _drain(clients, service, polling, say)


def _drain(clients: Clients, service: Owned, polling: Polling, say: Say) -> None:
    # The physical id is an ARN that ends in service/<cluster>/<name>.
    arn, (cluster, name) = service.physical_id, service.physical_id.split("/")[-2:]
    try:
        clients.ecs.update_service(cluster=cluster, service=arn, desiredCount=0)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ServiceNotFoundException", "ServiceNotActiveException"):
            return
        raise
    say(f"{service.stack}: drains {name}")

    def at_rest() -> bool:
        (found,) = clients.ecs.describe_services(cluster=cluster, services=[arn])["services"]
        return not found["runningCount"] and not found["pendingCount"]

    try:
        polling.until(at_rest, f"draining {name}", DRAIN_SECONDS)
    except CicdError as error:
        say(f"{service.stack}: {error}")
