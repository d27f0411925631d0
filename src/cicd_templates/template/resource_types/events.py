"""Resource types of EventBridge."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::Events::Archive",
        loss="archived events",
        kept_when_protected=True,
    ),
    ResourceType(
        "AWS::Events::EventBus",
        name_property="Name",
        name_limit=256,
    ),
    ResourceType(
        "AWS::Events::Rule",
        name_property="Name",
        name_limit=64,
        name_within=("EventBusName",),
        arns={"rule-on-default-event-bus": "events:{region}:{account}:rule/{name}"},
    ),
)
