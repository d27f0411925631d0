"""Resource types of SNS."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::SNS::Subscription",
        loss="a subscription that its owner has to confirm again",
    ),
    ResourceType(
        "AWS::SNS::Topic",
        name_property="TopicName",
        name_limit=256,
        loss="subscriptions that their owners have to confirm again",
        arns={"topic": "sns:{region}:{account}:{name}"},
    ),
)
