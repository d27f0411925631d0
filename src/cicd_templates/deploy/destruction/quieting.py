"""Brings what runs to rest before its stack goes: pipeline runs are stopped, services drained."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from botocore.exceptions import ClientError

from cicd_templates.deploy.clients import Clients
from cicd_templates.deploy.destruction.deployed import Owned
from cicd_templates.deploy.waiting import Patience
from cicd_templates.errors import CicdError

RUNNING = ("InProgress", "Stopping")
STOP_SECONDS = 900.0
DRAIN_SECONDS = 900.0
REASON = "its environment is being destroyed"

Say = Callable[[str], None]


def stop_runs(clients: Clients, pipelines: Iterable[str], patience: Patience, say: Say) -> None:
    """Stop every run of `pipelines` and wait for the end of the actions that are under way.

    After 15 minutes they are abandoned: what they have started, such as an operation on a stack, ends by itself.
    """
    for pipeline in pipelines:
        runs = _runs(clients, pipeline)
        for run in runs:
            say(f"{pipeline}: stops its run {run}")
            _stop(clients, pipeline, run, abandon=False)
        if not runs:
            continue
        try:
            patience.until(lambda name=pipeline: not _runs(clients, name), f"the runs of {pipeline}", STOP_SECONDS)  # type: ignore[misc] # a default binds the name
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


def drain(clients: Clients, services: Iterable[Owned], patience: Patience, say: Say) -> None:
    """Let every service run down to no task, so that its load balancer stops sending before its network goes.

    What does not get there within 15 minutes is left to CloudFormation, which drains as well.
    """
    for service in services:
        # The physical id is an ARN that ends in service/<cluster>/<name>.
        cluster = service.physical_id.split("/")[-2]
        try:
            clients.ecs.update_service(cluster=cluster, service=service.physical_id, desiredCount=0)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("ServiceNotFoundException", "ServiceNotActiveException"):
                continue
            raise
        say(f"{service.stack}: drains {service.physical_id.rpartition('/')[2]}")

        def at_rest(name: str = service.physical_id, where: str = cluster) -> bool:
            (found,) = clients.ecs.describe_services(cluster=where, services=[name])["services"]
            return not found["runningCount"] and not found["pendingCount"]

        try:
            patience.until(at_rest, f"draining {service.physical_id}", DRAIN_SECONDS)
        except CicdError as error:
            say(f"{service.stack}: {error}")
