"""Resource types of Route 53."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::Route53::HostedZone",
        loss="a zone with its name servers",
    ),
)
