"""Layer `tables`: DynamoDB tables that services use, each with backups and alarms."""

from __future__ import annotations

from collections.abc import Sequence

from cicd_templates.blocks import tables as blocks
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import title
from cicd_templates.layer.offers import Offer
from cicd_templates.layer.outputs import Output, TableArn, TableName
from cicd_templates.layer.template import LayerTemplate
from templates import keys, notifications


def table_name(name: str) -> Output[TableName]:
    """Return the output that publishes the physical name of a table."""
    return Output(TableName, "tables", f"{title(name)}TableName", f"Name of the table {name}")


def table_arn(name: str) -> Output[TableArn]:
    """Return the output that publishes the ARN of a table."""
    return Output(TableArn, "tables", f"{title(name)}TableArn", f"ARN of the table {name}")


def offers(env: Environment) -> Sequence[Offer]:
    """Return one offer per table of `env`: the variables and permissions that services get for the table."""
    return [blocks.table_offer(name, table_name(name), table_arn(name), keys.KEY_ARN) for name in env.tables]


def exists(env: Environment) -> bool:
    """Return whether the environment has a DynamoDB table."""
    return bool(env.tables)


def build(env: Environment) -> LayerTemplate:
    """Return the tables and their alarms."""
    layer = LayerTemplate(env)
    key = layer.read(keys.KEY_ARN)
    operations = layer.read(notifications.OPERATIONS)
    for name, settings in env.tables.items():
        table = layer.add(blocks.encrypted_table(f"{title(name)}Table", env, key, name, settings))
        layer.add_all(blocks.throttle_alarms(env, name, table, operations))
        layer.publish(table_name(name), TableName(table.ref()))
        layer.publish(table_arn(name), TableArn(table.get_att("Arn")))
    return layer
