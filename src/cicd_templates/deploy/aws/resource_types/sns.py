"""Finds SNS topics by name."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import ExistingResource, ResourceOperations
from cicd_templates.template.arn import Arn
from cicd_templates.template.partitions import partition_of


def _find(clients: Clients, name: str) -> ExistingResource | None:
    account = clients.sts.get_caller_identity()["Account"]
    arn = str(Arn(partition_of(clients.region).name, "sns", clients.region, account, name))
    clients.sns.get_topic_attributes(TopicArn=arn)
    return ExistingResource(arn)


OPERATIONS = {
    "AWS::SNS::Topic": ResourceOperations(find=_find, delete_command="sns delete-topic --topic-arn {arn}"),
}
