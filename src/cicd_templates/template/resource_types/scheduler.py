"""Resource types of EventBridge Scheduler."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::Scheduler::Schedule",
        name_property="Name",
        name_limit=64,
        name_within=("GroupName",),
    ),
)
