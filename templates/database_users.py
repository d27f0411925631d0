"""Layer `database_users`: the function that creates the database users of services."""

from __future__ import annotations

from cicd_templates.blocks.alarms import function_error_alarm
from cicd_templates.blocks.database_users import created_databases, users_function
from cicd_templates.config.environment import Environment
from cicd_templates.config.reserved_words import DATABASE_USERS
from cicd_templates.layer.outputs import FunctionName, Output
from cicd_templates.layer.template import LayerTemplate
from templates import keys, notifications

USERS_FUNCTION = Output(
    FunctionName, "database_users", "DatabaseUsersFunctionName", "Function that creates the users of databases"
)


def exists(env: Environment) -> bool:
    """Return whether releases create the users of a database in an environment of the pipeline."""
    return any(created_databases(peer) for peer in env.route)


def build(env: Environment) -> LayerTemplate:
    """Return the function that creates users, and an alarm on its errors.

    The function may assume one role for each database.
    """
    layer = LayerTemplate(env)
    key, dead_letters = layer.read(keys.KEY_ARN), layer.read(notifications.DEAD_LETTER_QUEUE)
    _, _, function = layer.add_all(users_function("DatabaseUsers", env, env.route, key=key, dead_letters=dead_letters))
    operations = layer.read(notifications.OPERATIONS)
    layer.add(function_error_alarm("DatabaseUsersErrors", env, [DATABASE_USERS], function.ref(), [operations]))
    layer.publish(USERS_FUNCTION, FunctionName(function.ref()))
    return layer
