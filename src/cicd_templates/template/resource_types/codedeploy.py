"""Resource types of CodeDeploy."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::CodeDeploy::Application",
        name_property="ApplicationName",
        name_limit=100,
    ),
)
