"""Finds SQS queues by name, and deletes them."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import (
    EXISTS,
    ExistingResource,
    Leftover,
    ResourceOperations,
    unless_not_found,
)
from cicd_templates.template.arn import Arn
from cicd_templates.template.partitions import partition_of


def _find(clients: Clients, name: str) -> ExistingResource | None:
    clients.sqs.get_queue_url(QueueName=name)
    account = clients.sts.get_caller_identity()["Account"]
    arn = Arn(partition_of(clients.region).name, "sqs", clients.region, account, name)
    return ExistingResource(str(arn))


def _state(clients: Clients, name: str) -> str:
    clients.sqs.get_queue_url(QueueName=name)
    return EXISTS


def _delete(clients: Clients, name: str) -> None:
    clients.sqs.delete_queue(QueueUrl=clients.sqs.get_queue_url(QueueName=name)["QueueUrl"])


OPERATIONS = {
    "AWS::SQS::Queue": ResourceOperations(
        find=_find,
        delete_command="sqs delete-queue --queue-url $(aws sqs get-queue-url --queue-name {name} --output text)",
        leftover=Leftover(
            why="A protected environment keeps the queues that services use, with their messages.",
            removal="`aws sqs delete-queue --region {region} --queue-url"
            " $(aws sqs get-queue-url --region {region} --queue-name {name} --output text)`",
            state=unless_not_found(_state, ""),
            delete=_delete,
        ),
    ),
}
