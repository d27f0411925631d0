"""Creates private, encrypted Aurora PostgreSQL clusters that require TLS. Lets services connect with IAM tokens."""

from __future__ import annotations

from collections.abc import Sequence

from awacs import rds_db as actions
from troposphere import GetAtt, Sub, cloudwatch, ec2, logs, rds

from cicd_templates.blocks.alarms import Metric, alarm
from cicd_templates.blocks.networks import NO_EGRESS, name_tag
from cicd_templates.blocks.removal_policies import exempt_from_check, exempt_from_rule, transient
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import name_prefix, physical_name, title, variable_name
from cicd_templates.config.tables.database import DatabaseTable
from cicd_templates.layer.iam import Grant, allow
from cicd_templates.layer.offers import Offer, Port, Rights
from cicd_templates.layer.outputs import (
    DatabaseResourceId,
    HostName,
    KeyArn,
    Output,
    SecurityGroupId,
    SubnetIds,
    TopicArn,
    VpcId,
    joined_text,
)
from cicd_templates.layer.template import LayerTemplate

ENGINE = "aurora-postgresql"
# RDS generates the password of this user. Only its secret has the password.
ADMINISTRATOR = "administrator"
LOG = "postgresql"
# What each kind of access may do in the schema `public`, in the words of PostgreSQL's GRANT.
PRIVILEGES = {"read": ("USAGE",), "readwrite": ("USAGE", "CREATE")}
# The value of the setting `users` with which releases create the users.
CREATED = "created"
# An alarm notifies above this number of connections for each ACU, and above this number in total. PostgreSQL accepts
# about 200 for each ACU of the largest capacity, and at most 2,000 with the smallest possible `min_capacity`:
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html
CONNECTIONS_PER_ACU, MOST_CONNECTIONS = 150, 1600
BUSY_PERCENT = 90


def log_groups(env: Environment) -> str:
    """Return a name pattern that matches the log groups with the exported logs of all RDS clusters in `env`."""
    return f"/aws/rds/cluster/{name_prefix(env)}-*"


def log_group_name(env: Environment, name: str) -> str:
    """Return the name of the log group for the database `name`. RDS prescribes this name."""
    return f"/aws/rds/cluster/{_identifier(env, name)}/{LOG}"


def cluster_arn(env: Environment, name: str) -> Sub:
    """Return the ARN of the cluster of the database `name`."""
    return Sub(f"arn:${{AWS::Partition}}:rds:{env.region}:{env.account}:cluster:{_identifier(env, name)}")


def _identifier(env: Environment, name: str) -> str:
    return physical_name(env, "AWS::RDS::DBCluster", name)


def database_group(logical_id: str, env: Environment, name: str, vpc: VpcId) -> ec2.SecurityGroup:
    """Return the security group of the database. Each service that uses the database adds an ingress rule for itself.

    Before a service adds a rule, nothing can connect to the database.
    """
    return ec2.SecurityGroup(
        logical_id,
        GroupDescription=f"The database {name}",
        VpcId=vpc,
        SecurityGroupEgress=[NO_EGRESS],
        Tags=name_tag(env, f"database-{name}"),
    )


def subnet_group(logical_id: str, env: Environment, name: str, subnets: SubnetIds) -> rds.DBSubnetGroup:
    """Return the subnets in which RDS places the instances."""
    return rds.DBSubnetGroup(
        logical_id,
        DBSubnetGroupName=physical_name(env, "AWS::RDS::DBSubnetGroup", name),
        DBSubnetGroupDescription=f"Private subnets for the database {name}",
        SubnetIds=subnets,
    )


def parameter_group(
    logical_id: str, env: Environment, name: str, settings: DatabaseTable
) -> rds.DBClusterParameterGroup:
    """Return a parameter group that makes the database refuse connections without TLS, and log who connects.

    A new major version of PostgreSQL needs a new parameter group, so the group's name contains the version.
    """
    return rds.DBClusterParameterGroup(
        logical_id,
        DBClusterParameterGroupName=physical_name(
            env, "AWS::RDS::DBClusterParameterGroup", name, f"pg{settings.version}"
        ),
        Description=f"TLS only, for the database {name}",
        Family=f"{ENGINE}{settings.version}",
        Parameters={"rds.force_ssl": "1", "log_connections": "1", "log_disconnections": "1"},
    )


def cluster(
    logical_id: str,
    env: Environment,
    key: KeyArn,
    name: str,
    settings: DatabaseTable,
    group: ec2.SecurityGroup,
    subnets: rds.DBSubnetGroup,
    parameters: rds.DBClusterParameterGroup,
    log: logs.LogGroup,
) -> rds.DBCluster:
    """Return the cluster. Its storage is encrypted with `key`. The log group `log` is created before the cluster.

    In a protected environment, the cluster has deletion protection. After somebody has switched the protection off, the
    cluster can be deleted or replaced, and RDS keeps a final snapshot. The deletion policy is not `Retain`, because a
    retained cluster would block the deletion of its subnets.
    """
    policy = "Snapshot" if env.protected else "Delete"
    database = rds.DBCluster(
        logical_id,
        DBClusterIdentifier=_identifier(env, name),
        DatabaseName=settings.name_in_cluster(name),
        Engine=ENGINE,
        EngineVersion=settings.version,
        ServerlessV2ScalingConfiguration=rds.ServerlessV2ScalingConfiguration(
            MinCapacity=_number(settings.min_capacity), MaxCapacity=_number(settings.max_capacity)
        ),
        Port=settings.port,
        DBSubnetGroupName=subnets.ref(),
        VpcSecurityGroupIds=[GetAtt(group, "GroupId")],
        DBClusterParameterGroupName=parameters.ref(),
        StorageEncrypted=True,
        KmsKeyId=key,
        MasterUsername=ADMINISTRATOR,
        ManageMasterUserPassword=True,
        MasterUserSecret=rds.MasterUserSecret(KmsKeyId=key),
        EnableIAMDatabaseAuthentication=True,
        EnableCloudwatchLogsExports=[LOG],
        BackupRetentionPeriod=settings.backup_days or (35 if env.protected else 1),
        CopyTagsToSnapshot=True,
        DeletionProtection=env.protected,
        DependsOn=log.title,
        DeletionPolicy=policy,
        UpdateReplacePolicy=policy,
    )
    if settings.users == CREATED:
        # The RDS Data API is a second way to the data, beside the network.
        database.EnableHttpEndpoint = True
    # cfn-lint counts a major version as deprecated as soon as the first minor version of it is deprecated.
    return exempt_from_rule(
        database, "W3690", "Only the major version is given, so RDS chooses a minor version that is not deprecated"
    )


def _number(capacity: float) -> float:
    return int(capacity) if capacity == int(capacity) else capacity


def instances(
    prefix: str, env: Environment, name: str, settings: DatabaseTable, database: rds.DBCluster
) -> list[rds.DBInstance]:
    """Return the instances of the cluster. The data is in the cluster's storage, not in the instances."""
    reason = (
        "Enhanced Monitoring is off, because it writes to a log group that all databases of the account share, and that"
        " our key does not encrypt. The alarms need only the standard metrics of RDS"
    )
    return [
        exempt_from_check(
            transient(
                rds.DBInstance(
                    f"{prefix}{number}",
                    DBInstanceIdentifier=physical_name(env, "AWS::RDS::DBInstance", name, str(number)),
                    DBClusterIdentifier=database.ref(),
                    DBInstanceClass="db.serverless",
                    Engine=ENGINE,
                    AutoMinorVersionUpgrade=True,
                    PubliclyAccessible=False,
                )
            ),
            "CKV_AWS_118",
            reason,
        )
        for number in range(1, (settings.instances or (2 if env.protected else 1)) + 1)
    ]


def database_alarms(
    env: Environment, name: str, settings: DatabaseTable, database: rds.DBCluster, operations: TopicArn
) -> Sequence[cloudwatch.Alarm]:
    """Return alarms that notify `operations` if a database exceeds a limit for 15 minutes.

    The limits are for the used capacity, the CPU use and the number of connections.

    Each alarm uses the maximum over the instances. No alarm watches the storage, because Aurora's storage grows by
    itself.
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
    """
    connections = settings.connections or min(int(settings.max_capacity * CONNECTIONS_PER_ACU), MOST_CONNECTIONS)
    limits = (
        ("ACUUtilization", "Capacity", BUSY_PERCENT, f"uses more than {BUSY_PERCENT} % of its largest capacity"),
        ("CPUUtilization", "Cpu", BUSY_PERCENT, f"uses more than {BUSY_PERCENT} % of its processors"),
        ("DatabaseConnections", "Connections", connections, f"has more than {connections} connections"),
    )
    return [
        alarm(
            f"{title(name)}{what}",
            env,
            [name, "database", what.lower()],
            f"An instance of the database {name} {problem}",
            Metric("AWS/RDS", metric, {"DBClusterIdentifier": database.ref()}),
            above=limit,
            tell=[operations],
            periods=3,
        )
        for metric, what, limit, problem in limits
    ]


def user_of(service: Service, access: str) -> str:
    """Return the name of a service's database user for one kind of access, such as `read_payment_processor`."""
    return f"{access}_{service.name.replace('-', '_')}"


def database_offer(
    env: Environment,
    name: str,
    settings: DatabaseTable,
    host: Output[HostName],
    group: Output[SecurityGroupId],
    resource_id: Output[DatabaseResourceId],
) -> Offer:
    """Return the `Offer` of a database: variables, IAM grants and network access for the services that use it.

    A service has one database user for each access level that it uses, `read` or `readwrite`. An IAM grant lets the
    service connect as this user, and PostgreSQL's own permissions decide what the user may do. The container finds the
    database's address in environment variables such as `LEDGER_DATABASE_HOST`.
    """

    def connect_as(access: str) -> Rights:
        def connect(layer: LayerTemplate) -> list[Grant]:
            assert layer.service is not None
            begin = f"arn:${{AWS::Partition}}:rds-db:{env.region}:{env.account}:dbuser:"
            user = joined_text(Sub(begin), layer.read(resource_id), "/", user_of(layer.service, access))
            return [allow(f"ConnectTo{title(name)}", [actions.connect], on=user)]

        return connect

    def texts(service: Service, access: str) -> dict[str, str]:
        return {
            variable_name(name, "database", "port"): str(settings.port),
            variable_name(name, "database", "name"): settings.name_in_cluster(name),
            variable_name(name, "database", "user"): user_of(service, access),
            variable_name(name, "database", "region"): env.region,
        }

    return Offer(
        name,
        {variable_name(name, "database", "host"): host},
        {access: connect_as(access) for access in PRIVILEGES},
        Port(group, settings.port),
        texts,
    )
