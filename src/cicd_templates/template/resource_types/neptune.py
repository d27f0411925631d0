"""Resource types of Neptune."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::Neptune::DBCluster",
        policies_checked_by=PolicyCheck.CFN_LINT,
    ),
)
