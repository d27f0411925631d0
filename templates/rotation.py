"""Layer `rotation`: a new deployment of one service whenever a secret or parameter of its containers changes."""

from __future__ import annotations

from cicd_templates.blocks import rotation as blocks
from cicd_templates.blocks.event_rules import MonitoredService
from cicd_templates.blocks.task_parts import secret_arns
from cicd_templates.config.environment import Environment, Service
from cicd_templates.layer.template import LayerTemplate
from templates import keys, notifications, secrets


def needed(service: Service) -> bool:
    """Return whether the service needs this layer.

    A service needs it if its tasks get a secret or a parameter as an environment variable. A job does not need it,
    because each run of the job starts a new task.
    """
    return service.settings.job is None and bool(service.settings.secret_sources)


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return the function that deploys the service again when a secret or parameter of the service has changed.

    Also return the rules that invoke the function, and an alarm on events that do not reach the function.
    """
    layer = LayerTemplate(env, service)
    monitored = MonitoredService(env, service, layer.read(notifications.DEAD_LETTER_QUEUE))
    operations = layer.read(notifications.OPERATIONS)
    own_secrets = {name: layer.read(secrets.secret_arn(name)) for name in service.own_secrets}
    group, role, function = blocks.redeploying_function(monitored, layer.read(keys.KEY_ARN))
    layer.add_all([group, role, function])
    tables = (service.settings.secrets, *(table.secrets for table in service.settings.containers.values()))
    arns = [arn for table in tables for arn in secret_arns(env, table, own_secrets).values()]
    layer.add_all(list(blocks.change_rules(monitored, function, arns)))
    layer.add(blocks.dropped_events_alarm(monitored, function, operations))
    return layer
