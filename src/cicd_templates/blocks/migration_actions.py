"""The pipeline's actions for the migration of a release: create its task definition, and run its task."""

from __future__ import annotations

from cicd_templates.blocks import migrations
from cicd_templates.blocks.delivery_actions import execute_action, stack_variables
from cicd_templates.blocks.pipeline_actions import PipelineAction, PipelineContext, lambda_action
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import cluster_name, role_arn, title
from cicd_templates.config.reserved_words import MIGRATION
from cicd_templates.layer.outputs import FunctionName

MIGRATE_ACTION = "Migrate"


def migration_actions(
    context: PipelineContext, peer: Environment, function: FunctionName, *, stage: str, image: str, order: int
) -> list[PipelineAction]:
    """Return two actions: one that creates the task definition of this release, and one that runs the task.

    `stage` is the pipeline stage of both actions. `order` is the run order of the first action, and the second action
    comes next. `image` is the only image that the task may have.
    """
    service = context.service
    outputs = stack_variables(peer, MIGRATION)
    parameters = {
        "stage": stage,
        "environment": peer.qualified,
        "role": role_arn(peer, MIGRATION, service.name),
        "region": peer.region,
        "cluster": cluster_name(peer),
        "log": migrations.migration_log(peer, service),
        "image": image,
        "definition": f"#{{{outputs}.{migrations.DEFINITION}}}",
        "subnets": f"#{{{outputs}.{migrations.SUBNETS}}}",
        "group": f"#{{{outputs}.{migrations.GROUP}}}",
    }
    name = f"{MIGRATE_ACTION}{title(peer.name)}"
    return [
        execute_action(context, peer, order=order, layer=MIGRATION),
        lambda_action(context, name, function, parameters, namespace=name, order=order + 1),
    ]
