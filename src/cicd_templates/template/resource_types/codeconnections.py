"""Resource types of CodeConnections."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::CodeConnections::Connection",
        loss="a handshake that a person has to repeat",
    ),
)
