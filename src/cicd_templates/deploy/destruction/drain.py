"""Stops pipeline runs and the tasks of jobs, and scales ECS services to zero, before their stacks are deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.aws.retry import ignore_transient
from cicd_templates.deploy.destruction.deployed_stacks import Owned
from cicd_templates.errors import CicdError, DetachedError

RUN_IN_PROGRESS = ("InProgress", "Stopping")
STOP_SECONDS = 900.0
DRAIN_SECONDS = 900.0
SUSPENDED = {
    "DynamicScalingInSuspended": True,
    "DynamicScalingOutSuspended": True,
    "ScheduledScalingSuspended": True,
}
REASON = "the environment is being destroyed"

Say = Callable[[str], None]


def stop_runs(clients: Clients, pipelines: Iterable[str], polling: Polling, say: Say) -> None:
    """Stop every run of `pipelines` and wait until the actions in progress have ended.

    A run that has not stopped after 15 minutes is abandoned. What an abandoned run has started, such as the update of a
    stack, continues in AWS.
    """
    for pipeline in pipelines:
        if runs := _running(clients, pipeline):
            _stop_runs_of(clients, pipeline, runs, polling, say)


def _stop_runs_of(clients: Clients, pipeline: str, runs: list[str], polling: Polling, say: Say) -> None:
    for run in runs:
        say(f"{pipeline}: stopping its run {run}")
        _stop_run(clients, pipeline, run, abandon=False)
    try:
        stopped = ignore_transient(lambda: not _running(clients, pipeline))
        polling.until(stopped, f"the runs of {pipeline}", STOP_SECONDS)
    except DetachedError:
        raise
    except CicdError:
        for run in _running(clients, pipeline):
            say(f"{pipeline}: abandoning its run {run}")
            _stop_run(clients, pipeline, run, abandon=True)


def _running(clients: Clients, pipeline: str) -> list[str]:
    if clients.local:
        # The local AWS records pipelines, but never runs them.
        return []
    try:
        pages = clients.codepipeline.get_paginator("list_pipeline_executions").paginate(pipelineName=pipeline)
        return [
            run["pipelineExecutionId"]
            for page in pages
            for run in page["pipelineExecutionSummaries"]
            if run["status"] in RUN_IN_PROGRESS
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] == "PipelineNotFoundException":
            return []
        raise


def _stop_run(clients: Clients, pipeline: str, run: str, *, abandon: bool) -> None:
    try:
        clients.codepipeline.stop_pipeline_execution(
            pipelineName=pipeline, pipelineExecutionId=run, abandon=abandon, reason=REASON
        )
    except ClientError as error:
        # The run may have ended, or be stopping, since it was listed.
        if error.response["Error"]["Code"] not in (
            "PipelineExecutionNotStoppableException",
            "DuplicatedStopRequestException",
        ):
            raise


def suspend_scaling(clients: Clients, targets: Iterable[Owned]) -> None:
    """Suspend the autoscaling of ECS services, so that autoscaling starts no tasks after `drain`.

    Does nothing on the local AWS, which stores scalable targets but never scales a service.
    """
    for target in () if clients.local else targets:
        # The physical id is service/<cluster>/<name>|ecs:service:DesiredCount|ecs.
        resource, dimension, namespace = target.physical_id.split("|")
        try:
            clients.scaling.register_scalable_target(
                ServiceNamespace=namespace,
                ResourceId=resource,
                ScalableDimension=dimension,
                SuspendedState=SUSPENDED,
            )
        except ClientError as error:
            # If the target no longer exists, AWS refuses the call, because a call that registers a new target must have
            # limits.
            if error.response["Error"]["Code"] != "ValidationException":
                raise


def drain(clients: Clients, services: Iterable[Owned], polling: Polling, say: Say) -> None:
    """Scale every ECS service to zero tasks, so that no task receives requests while the network is being deleted.

    Waits for at most 15 minutes for each service, and then continues, because CloudFormation itself scales a
    service down before it deletes the service.
    """
    for service in services:
        _drain_service(clients, service, polling, say)


def stop_jobs(clients: Clients, definitions: Iterable[Owned], cluster: str, say: Say) -> None:
    """Stop all tasks of `definitions`, the task definitions of jobs.

    A running task would block the deletion of its security group and of the cluster. Draining services does not stop
    the tasks of jobs. A job's schedule can start another task until the schedule is deleted, so call this function
    again after the deletion.
    """
    for definition in definitions:
        # The physical id is an ARN that ends in task-definition/<family>:<revision>.
        family = definition.physical_id.rpartition("/")[2].rpartition(":")[0]
        try:
            pages = clients.ecs.get_paginator("list_tasks").paginate(cluster=cluster, family=family)
            tasks = [arn for page in pages for arn in page["taskArns"]]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ClusterNotFoundException":
                return
            raise
        for task in tasks:
            clients.ecs.stop_task(cluster=cluster, task=task, reason=REASON)
            say(f"{definition.stack}: stopped its task {task.rpartition('/')[2]}")


def _drain_service(clients: Clients, service: Owned, polling: Polling, say: Say) -> None:
    # The physical id is an ARN that ends in service/<cluster>/<name>.
    arn, (cluster, name) = service.physical_id, service.physical_id.split("/")[-2:]
    try:
        clients.ecs.update_service(cluster=cluster, service=arn, desiredCount=0)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ServiceNotFoundException", "ServiceNotActiveException"):
            return
        raise
    say(f"{service.stack}: draining {name}")

    def drained() -> bool:
        (description,) = clients.ecs.describe_services(cluster=cluster, services=[arn])["services"]
        return not description["runningCount"] and not description["pendingCount"]

    try:
        polling.until(ignore_transient(drained), f"draining {name}", DRAIN_SECONDS)
    except DetachedError:
        raise
    except CicdError as error:
        say(f"{service.stack}: {error}")
