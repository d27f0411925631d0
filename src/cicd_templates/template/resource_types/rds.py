"""Resource types of RDS."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::RDS::DBCluster",
        name_property="DBClusterIdentifier",
        name_limit=63,
        loss="a database",
        policies_checked_by=PolicyCheck.CFN_LINT,
    ),
    ResourceType(
        "AWS::RDS::DBInstance",
        name_property="DBInstanceIdentifier",
        name_limit=63,
        loss="a database",
        policies_checked_by=PolicyCheck.CFN_LINT,
        billed="database instance, per hour",
    ),
)
