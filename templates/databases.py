"""Layer `databases`: PostgreSQL databases that services use, each with backups, logs and alarms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from troposphere import GetAtt

from cicd_templates.blocks import databases as blocks
from cicd_templates.blocks.database_users import created_databases, database_users, users_role
from cicd_templates.blocks.log_groups import masked_log_group
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import title
from cicd_templates.layer.offers import Offer
from cicd_templates.layer.outputs import DatabaseResourceId, DatabaseUsers, HostName, Output, SecretArn, SecurityGroupId
from cicd_templates.layer.template import LayerTemplate
from templates import keys, network, notifications


def host(name: str) -> Output[HostName]:
    """Return the output for the host name of the database `name`."""
    return Output(HostName, "databases", f"{title(name)}Host", f"Host of the database {name}, for reading and writing")


def group_id(name: str) -> Output[SecurityGroupId]:
    """Return the output for the security group of the database `name`."""
    return Output(SecurityGroupId, "databases", f"{title(name)}GroupId", f"Security group of the database {name}")


def resource_id(name: str) -> Output[DatabaseResourceId]:
    """Return the output for the id of the database `name`. The ARNs of the database's users contain this id."""
    return Output(
        DatabaseResourceId,
        "databases",
        f"{title(name)}ResourceId",
        f"Resource id of the database {name}, for the ARNs of its database users",
    )


def administrator_secret(name: str) -> Output[SecretArn]:
    """Return the output for the ARN of the administrator's secret. RDS manages this secret, and no service reads it."""
    return Output(
        SecretArn, "databases", f"{title(name)}AdministratorSecretArn", f"Password of the administrator of {name}"
    )


def users(name: str) -> Output[DatabaseUsers]:
    """Return the stack output that lists the users that a release creates in the database `name`."""
    return Output(DatabaseUsers, "databases", f"{title(name)}Users", f"Users of the database {name} and their rights")


def offers(env: Environment) -> Sequence[Offer]:
    """Return one offer per database of `env`: the variables and permissions that services get for the database."""
    return [
        blocks.database_offer(env, name, settings, host(name), group_id(name), resource_id(name))
        for name, settings in env.databases.items()
    ]


def exists(env: Environment) -> bool:
    """Return whether the configuration has a database."""
    return bool(env.databases)


def build(env: Environment) -> LayerTemplate:
    """Return the databases. The security group rules that let a service connect are in the stacks of the service."""
    layer = LayerTemplate(env)
    key = layer.read(keys.KEY_ARN)
    operations = layer.read(notifications.OPERATIONS)
    vpc, subnets = layer.read(network.VPC_ID), layer.read(network.PRIVATE_SUBNET_IDS)
    created = created_databases(env)
    for name, settings in env.databases.items():
        # No ending of a logical id is the end of another one. Otherwise, two databases such as `ledger` and
        # `ledger-log` could have the same id.
        prefix = title(name)
        log = layer.add(masked_log_group(f"{prefix}LogGroup", env, blocks.log_group_name(env, name), key))
        group = layer.add(blocks.database_group(f"{prefix}SecurityGroup", env, name, vpc))
        placed = layer.add(blocks.subnet_group(f"{prefix}SubnetGroup", env, name, subnets))
        parameters = layer.add(blocks.parameter_group(f"{prefix}Parameters", env, name, settings))
        cluster = layer.add(
            blocks.cluster(f"{prefix}Cluster", env, key, name, settings, group, placed, parameters, log)
        )
        layer.add_all(blocks.instances(f"{prefix}Instance", env, name, settings, cluster))
        layer.add_all(blocks.database_alarms(env, name, settings, cluster, operations))
        layer.publish(host(name), HostName(GetAtt(cluster, "Endpoint.Address")))
        layer.publish(group_id(name), SecurityGroupId(GetAtt(group, "GroupId")))
        layer.publish(resource_id(name), DatabaseResourceId(GetAtt(cluster, "DBClusterResourceId")))
        secret = SecretArn(GetAtt(cluster, "MasterUserSecret.SecretArn"))
        layer.publish(administrator_secret(name), secret)
        if name in created:
            layer.publish(users(name), database_users(env, name))
            needed: list[Output[Any]] = [users(name), administrator_secret(name)]
            layer.add(users_role(f"{prefix}UsersRole", env, name, secret, key, needed))
    return layer
