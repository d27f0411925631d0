"""Resource types of CodeStar Connections, which is the former name of CodeConnections."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::CodeStarConnections::Connection",
        loss="a handshake that a person has to repeat",
    ),
)
