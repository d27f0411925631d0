"""Finds ECS clusters by name, reads the state of services, and deletes revisions of task definitions."""

from __future__ import annotations

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import (
    EXISTS,
    ExistingResource,
    Leftover,
    ResourceOperations,
    first_of,
    unless_not_found,
)


def _find_cluster(clients: Clients, name: str) -> ExistingResource | None:
    clusters = clients.ecs.describe_clusters(clusters=[name])["clusters"]
    # ECS still returns a deleted cluster for a while, although its name is free again.
    return first_of([cluster for cluster in clusters if cluster["status"] == "ACTIVE"], "clusterArn")


def _service_state(clients: Clients, arn: str) -> str:
    # The ARN ends in service/<cluster>/<name>.
    services = clients.ecs.describe_services(cluster=arn.split("/")[-2], services=[arn])["services"]
    status = services[0]["status"] if services else "INACTIVE"
    return {"ACTIVE": EXISTS, "DRAINING": "ECS drains the last tasks"}.get(status, "")


def _task_definition_state(clients: Clients, revision: str) -> str:
    try:
        status = clients.ecs.describe_task_definition(taskDefinition=revision)["taskDefinition"]["status"]
    except ClientError as error:
        # ECS has no specific error code for a revision that does not exist.
        if error.response["Error"]["Code"] == "ClientException":
            return ""
        raise
    return "ECS deletes the revision once nothing refers to it" if status == "DELETE_IN_PROGRESS" else EXISTS


def _delete_task_definition(clients: Clients, revision: str) -> None:
    """Delete a revision of a task definition.

    ECS deletes only inactive revisions, so an active revision is deregistered first.
    """
    if clients.ecs.describe_task_definition(taskDefinition=revision)["taskDefinition"]["status"] == "ACTIVE":
        clients.ecs.deregister_task_definition(taskDefinition=revision)
    clients.ecs.delete_task_definitions(taskDefinitions=[revision])


OPERATIONS = {
    "AWS::ECS::Cluster": ResourceOperations(find=_find_cluster, delete_command="ecs delete-cluster --cluster {name}"),
    "AWS::ECS::Service": ResourceOperations(
        leftover=Leftover(
            why="ECS describes a service for some time after its deletion, while its last tasks drain.",
            removal="`aws ecs delete-service --region {region} --force --service {name}`; add `--cluster` with the name"
            " of the cluster, which is in the service's ARN",
            state=unless_not_found(_service_state, ""),
        )
    ),
    "AWS::ECS::TaskDefinition": ResourceOperations(
        leftover=Leftover(
            why="After a deployment, the old revision of the task definition remains, because CloudFormation only"
            " deregisters it. A deletion of the revision takes some minutes.",
            removal="`aws ecs deregister-task-definition --region {region} --task-definition {name}`, then"
            " `aws ecs delete-task-definitions --region {region} --task-definitions {name}`",
            state=_task_definition_state,
            delete=_delete_task_definition,
        )
    ),
}
