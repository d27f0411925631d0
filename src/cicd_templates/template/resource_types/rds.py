"""Resource types of RDS."""

from __future__ import annotations

from cicd_templates.template.resource_types.resource_type import Interruption, PolicyCheck, ResourceType

# The downtime of each setting:
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Modifying.html
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html
UPGRADE = Interruption(
    "the database does not answer while RDS upgrades it; a major upgrade often takes several minutes and cannot be"
    " undone; a snapshot restores only the data from before the upgrade, so try the upgrade in another environment"
    " first",
    frozenset({"EngineVersion"}),
)
PORT = Interruption(
    "every instance restarts at once, and clients fail until they use the new port: immediately afterwards, deploy the"
    " services that use the database",
    frozenset({"Port"}),
)
RESTART = "the instance restarts or another instance takes over, and all connections end"

RESOURCE_TYPES = (
    ResourceType(
        "AWS::RDS::DBCluster",
        name_property="DBClusterIdentifier",
        name_limit=63,
        loss="a database",
        kept_when_protected=True,
        policies_checked_by=PolicyCheck.CFN_LINT,
        interruptions=(
            UPGRADE,
            PORT,
            Interruption(
                RESTART, frozenset({"DBClusterInstanceClass", "Engine", "GlobalClusterIdentifier", "MasterUsername"})
            ),
            Interruption(
                "clients with IAM tokens cannot connect while IAM authentication is off",
                frozenset({"EnableIAMDatabaseAuthentication"}),
            ),
            Interruption(
                "removing a security group ends all connections that no other security group allows",
                frozenset({"VpcSecurityGroupIds"}),
            ),
        ),
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
        interruptions=(
            UPGRADE,
            PORT,
            Interruption(
                RESTART,
                frozenset(
                    {
                        "AutoMinorVersionUpgrade",
                        "AvailabilityZone",
                        "BackupRetentionPeriod",
                        "CACertificateIdentifier",
                        "DBClusterSnapshotIdentifier",
                        "DBInstanceClass",
                        "DBParameterGroupName",
                        "DBSnapshotIdentifier",
                        "Engine",
                        "MultiAZ",
                        "PreferredMaintenanceWindow",
                        "StorageType",
                    }
                ),
            ),
            Interruption(
                "if the database becomes private, clients outside the VPC lose their access; if it becomes public,"
                " clients inside the VPC may lose their access",
                frozenset({"PubliclyAccessible"}),
            ),
            Interruption(
                "removing a security group ends all connections that no other security group allows",
                frozenset({"VPCSecurityGroups"}),
            ),
        ),
        arns={"db": "rds:{region}:{account}:db:{name}"},
    ),
    ResourceType(
        "AWS::RDS::DBSubnetGroup",
        name_property="DBSubnetGroupName",
        name_limit=255,
        arns={"subgrp": "rds:{region}:{account}:subgrp:{name}"},
    ),
)
