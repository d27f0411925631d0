"""Resource types of OpenSearch Service."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::OpenSearchService::Domain",
        loss="an index",
        policies_checked_by=PolicyCheck.CFN_LINT,
        billed="search nodes, per hour",
    ),
)
