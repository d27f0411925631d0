"""Resource types of CloudWatch Synthetics."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::Synthetics::Canary",
        name_property="Name",
        name_limit=255,
    ),
)
