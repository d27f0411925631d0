"""Find queues."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import ExistingResource, ResourceOperations
from cicd_templates.template.arn import Arn
from cicd_templates.template.partitions import partition_of


def _find(clients: Clients, name: str) -> ExistingResource | None:
    clients.sqs.get_queue_url(QueueName=name)
    account = clients.sts.get_caller_identity()["Account"]
    arn = Arn(partition_of(clients.region).name, "sqs", clients.region, account, name)
    return ExistingResource(str(arn))


OPERATIONS = {
    "AWS::SQS::Queue": ResourceOperations(
        find=_find,
        delete_command="sqs delete-queue --queue-url $(aws sqs get-queue-url --queue-name {name} --output text)",
    ),
}
