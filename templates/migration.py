"""Layer `migration`: the task that migrates data for a release of one service, before the service runs the release."""

from __future__ import annotations

from collections.abc import Sequence

from cicd_templates.blocks import migrations, task_definitions, task_runs
from cicd_templates.blocks.task_parts import task_parts
from cicd_templates.config.environment import Environment, Service, created_secrets
from cicd_templates.layer.offers import Use
from cicd_templates.layer.template import LayerTemplate
from templates import ingress, keys, network, secrets


def needed(service: Service) -> bool:
    """Return whether the service has a migration."""
    return bool(service.settings.migration)


def build(env: Environment, service: Service, uses: Sequence[Use] = ()) -> LayerTemplate:
    """Return the task, with the secrets of the service and permissions for the resources in `uses`.

    Nothing in this layer runs the task. The pipeline sets `ImageUri`, and then runs the new task definition once.
    """
    layer = LayerTemplate(env, service)
    layer.add_parameter(task_definitions.image_parameter(service))
    key = layer.read(keys.KEY_ARN)
    # The further containers do not run in a migration.
    names = created_secrets(service.settings.secrets.values())
    own_secrets = {name: layer.read(secrets.secret_arn(name)) for name in names}
    starting, running = migrations.ROLES
    parts = task_parts(
        layer,
        service,
        key,
        own_secrets,
        uses,
        log=migrations.migration_log(env, service),
        starting=starting,
        running=running,
    )
    layer.add_all(parts.resources)
    definition = layer.add(migrations.migration_task("TaskDefinition", env, service, parts))
    subnets, group = layer.read(network.PRIVATE_SUBNET_IDS), layer.read(ingress.MIGRATION_GROUP_ID)
    for output in task_runs.outputs(definition, subnets, group):
        layer.template.add_output(output)
    return layer
