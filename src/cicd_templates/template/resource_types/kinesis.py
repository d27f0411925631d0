"""Resource types of Kinesis Data Streams."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::Kinesis::Stream",
        name_property="Name",
        name_limit=128,
        loss="records",
        policies_checked_by=PolicyCheck.CFN_LINT,
    ),
)
