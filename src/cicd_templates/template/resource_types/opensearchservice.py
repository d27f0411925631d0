"""Resource types of OpenSearch Service."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import Interruption, PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::OpenSearchService::Domain",
        loss="an index",
        policies_checked_by=PolicyCheck.CFN_LINT,
        billed="search nodes, per hour",
        interruptions=(
            Interruption(
                "requests can fail while the nodes are moved or upgraded", frozenset({"EngineVersion", "VPCOptions"})
            ),
        ),
    ),
)
