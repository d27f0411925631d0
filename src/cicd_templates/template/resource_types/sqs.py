"""Resource types of SQS."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::SQS::Queue",
        name_property="QueueName",
        name_limit=80,
        loss="messages",
        kept_when_protected=True,
        arns={"queue": "sqs:{region}:{account}:{name}"},
    ),
)
