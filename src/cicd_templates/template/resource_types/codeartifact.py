"""Resource types of CodeArtifact."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::CodeArtifact::Repository",
        policies_checked_by=PolicyCheck.OWN_RULE,
    ),
)
