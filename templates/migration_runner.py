"""Layer `migration_runner`: the function that runs a service's migration in an environment."""

from __future__ import annotations

from cicd_templates.blocks.alarms import function_error_alarm
from cicd_templates.blocks.migrations import MIGRATION, migration_run
from cicd_templates.blocks.task_runs import task_run_function
from cicd_templates.config.environment import Environment, Service
from cicd_templates.layer.outputs import FunctionName, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from templates import keys, notifications, storage

MIGRATION_FUNCTION = ServiceOutput(
    FunctionName, "migration_runner", "MigrationFunctionName", "Function that runs the migration of a release"
)


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return the function and an alarm on its errors. The function may assume one role in each environment."""
    layer = LayerTemplate(env, service)
    key, dead_letters = layer.read(keys.KEY_ARN), layer.read(notifications.DEAD_LETTER_QUEUE)
    evidence = layer.read(storage.EVIDENCE_BUCKET)
    run = migration_run(env, service)
    _, _, function = layer.add_all(
        task_run_function(
            "Migrate", env, service, run, env.route, key=key, dead_letters=dead_letters, evidence=evidence
        )
    )
    operations = layer.read(notifications.OPERATIONS)
    layer.add(function_error_alarm("MigrateErrors", env, [service.name, MIGRATION], function.ref(), [operations]))
    layer.publish(MIGRATION_FUNCTION, FunctionName(function.ref()))
    return layer
