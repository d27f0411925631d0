"""Resource types of ElastiCache."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::ElastiCache::ReplicationGroup",
        policies_checked_by=PolicyCheck.CFN_LINT,
        billed="cache nodes, per hour",
    ),
)
