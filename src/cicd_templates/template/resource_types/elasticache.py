"""Resource types of ElastiCache."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import Interruption, PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::ElastiCache::ReplicationGroup",
        policies_checked_by=PolicyCheck.CFN_LINT,
        billed="cache nodes, per hour",
        interruptions=(
            Interruption(
                "nodes are replaced or moved, and their connections end",
                frozenset({"AuthToken", "CacheNodeType", "EngineVersion", "NodeGroupConfiguration", "NumNodeGroups"}),
            ),
        ),
    ),
)
