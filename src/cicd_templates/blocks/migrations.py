"""Migrations: a task that runs once per release, before the service is updated."""

from __future__ import annotations

from troposphere import ecs as tasks

from cicd_templates.blocks.repositories import EXECUTION_ROLE
from cicd_templates.blocks.task_definitions import fargate_task, own_container
from cicd_templates.blocks.task_parts import TASK_ROLE, TaskParts
from cicd_templates.blocks.task_runs import TaskRun
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import log_group_name
from cicd_templates.layer.outputs import Value

MIGRATION = reserved_words.MIGRATION
# The words that follow the service's name in the names of the task's two roles.
ROLES = ((MIGRATION, EXECUTION_ROLE), (MIGRATION, TASK_ROLE))
# A migration that takes longer fails the release. The task continues, because stopping it could damage the schema.
LIMIT_MINUTES = 6 * 60


def migration_log(env: Environment, service: Service) -> str:
    """Return the name of the log group of a service's migrations."""
    return log_group_name(env, MIGRATION, service.name)


def migration_run(env: Environment, service: Service) -> TaskRun:
    """Return the `TaskRun` for the migration of a release in `env`."""
    return TaskRun(
        word=MIGRATION,
        subject=MIGRATION,
        records="migrations",
        family=(service.name, MIGRATION),
        roles=ROLES,
        log=migration_log(env, service),
        limit_minutes=LIMIT_MINUTES,
    )


def migration_task(logical_id: str, env: Environment, service: Service, parts: TaskParts) -> tasks.TaskDefinition:
    """Return the task definition that runs the migration's command in the service's own container."""
    variables: dict[str, Value | str] = {**service.settings.environment, **parts.addresses}
    container = own_container(env, service, parts, variables, list(service.settings.migration))
    name = [service.name, MIGRATION]
    return fargate_task(logical_id, env, service, parts, container, name=name)
