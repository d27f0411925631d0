"""Resource types of RDS."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import PolicyCheck, ResourceType

RESOURCE_TYPES = (
    ResourceType(
        "AWS::RDS::DBCluster",
        name_property="DBClusterIdentifier",
        name_limit=63,
        loss="a database",
        kept_when_protected=True,
        policies_checked_by=PolicyCheck.CFN_LINT,
        arns={
            "cluster": "rds:{region}:{account}:cluster:{name}",
            "cluster-snapshot": "rds:{region}:{account}:cluster-snapshot:{name}",
        },
    ),
    ResourceType(
        "AWS::RDS::DBClusterParameterGroup",
        name_property="DBClusterParameterGroupName",
        name_limit=255,
        arns={"cluster-pg": "rds:{region}:{account}:cluster-pg:{name}"},
    ),
    ResourceType(
        "AWS::RDS::DBInstance",
        name_property="DBInstanceIdentifier",
        name_limit=63,
        loss="a database",
        data_is_in="DBClusterIdentifier",
        policies_checked_by=PolicyCheck.CFN_LINT,
        billed="database instance, per hour",
        arns={"db": "rds:{region}:{account}:db:{name}"},
    ),
    ResourceType(
        "AWS::RDS::DBSubnetGroup",
        name_property="DBSubnetGroupName",
        name_limit=255,
        arns={"subgrp": "rds:{region}:{account}:subgrp:{name}"},
    ),
)
