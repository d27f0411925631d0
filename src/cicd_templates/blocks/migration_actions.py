"""Creates the pipeline's two actions for a migration: one creates the task definition, and the other runs the task."""

from __future__ import annotations

from cicd_templates.blocks import task_runs
from cicd_templates.blocks.delivery_actions import execute_action, stack_variables
from cicd_templates.blocks.migrations import migration_run
from cicd_templates.blocks.pipeline_actions import PipelineAction, PipelineContext, lambda_action
from cicd_templates.blocks.task_runs import TaskRun
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import cluster_name, role_arn, title
from cicd_templates.config.reserved_words import MIGRATION
from cicd_templates.layer.outputs import FunctionName

MIGRATE_ACTION = "Migrate"


def migration_actions(
    context: PipelineContext, peer: Environment, function: FunctionName, *, stage: str, image: str, order: int
) -> list[PipelineAction]:
    """Return two actions: the first creates the task definition of this release, and the second runs the task.

    `stage` is the pipeline stage of both actions. `order` is the run order of the first action; the second action
    follows it. `image` is the only image that the task may run.
    """
    run = migration_run(peer, context.service)
    parameters = run_parameters(context, peer, run, MIGRATION, stage, image)
    name = f"{MIGRATE_ACTION}{title(peer.name)}"
    return [
        execute_action(context, peer, order=order, layer=MIGRATION),
        lambda_action(context, name, function, parameters, namespace=name, order=order + 1),
    ]


def run_parameters(
    context: PipelineContext, peer: Environment, run: TaskRun, layer: str, stage: str, image: str
) -> dict[str, str]:
    """Return the pipeline's parameters for the Lambda function that runs a task once.

    `layer` is the name of the layer whose stack has the task definition.
    """
    outputs = stack_variables(peer, layer)
    return {
        "stage": stage,
        "environment": peer.qualified,
        "role": role_arn(peer, run.word, context.service.name),
        "region": peer.region,
        "cluster": cluster_name(peer),
        "log": run.log,
        "image": image,
        "definition": f"#{{{outputs}.{task_runs.DEFINITION}}}",
        "subnets": f"#{{{outputs}.{task_runs.SUBNETS}}}",
        "group": f"#{{{outputs}.{task_runs.GROUP}}}",
    }
