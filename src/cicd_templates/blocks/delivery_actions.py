"""The pipeline's two actions that deploy a stack in another account: create the change set, and execute it.

Both actions use a role of the stack's account, the delivery role. For all operations on the stack, CloudFormation
itself uses a different role, the execution role.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from troposphere import Sub

from cicd_templates.blocks.pipeline_actions import PipelineAction, PipelineContext, change_set_action
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import file_stem, physical_name, role_arn, stack_name, title
from cicd_templates.config.reserved_words import DELIVERY, EXECUTION

SERVICE_LAYER = "service"
# The function `deployed_release` finds the two actions by the same names, and a test compares them. The names are not
# imported from there, because the renderer would load all modules of the function.
EXECUTE_ACTION, APPROVE_ACTION = "Execute", "Approve"


def release_change_set_name(env: Environment, service: Service) -> str:
    """Return the name of the change set that every pipeline run uses to deploy the service's stack.

    Each run replaces the change set of the previous run.
    """
    return physical_name(env, "AWS::CloudFormation::ChangeSet", service.name, "release")


def prepare_action(
    context: PipelineContext,
    peer: Environment,
    *,
    templates: str,
    overrides: Mapping[str, str],
    layer: str = SERVICE_LAYER,
) -> PipelineAction:
    """Return the pipeline action that creates the change set for a service's stack in the environment `peer`.

    `layer` is the layer of the stack. `templates` is the pipeline artifact with the reviewed templates. `overrides`
    maps names of template parameters to values.
    """
    service = context.service
    file = f"{peer.qualified}/{file_stem(layer, service.name)}"
    return change_set_action(
        f"Prepare{_ending(layer)}",
        "CHANGE_SET_REPLACE",
        stack=stack_name(peer, layer, service.name),
        change_set_name=release_change_set_name(peer, service),
        delivery_role=Sub(role_arn(peer, DELIVERY, service.name)),
        configuration={
            "Capabilities": "CAPABILITY_NAMED_IAM",
            # CloudFormation keeps this role for all later operations on the stack. `make deploy` passes the same role.
            "RoleArn": Sub(role_arn(peer, DELIVERY, EXECUTION, service.name)),
            "TemplatePath": f"{templates}::{file}.yaml",
            # CodePipeline does not tag stacks by itself, and the deployer recognizes our stacks by their tags.
            "TemplateConfiguration": f"{templates}::{file}.configuration.json",
            "ParameterOverrides": json.dumps(dict(overrides)),
        },
        order=1,
        inputs=[templates],
    )


def execute_action(
    context: PipelineContext, peer: Environment, *, order: int, layer: str = SERVICE_LAYER
) -> PipelineAction:
    """Return the pipeline action that executes the change set. The stack's outputs become variables of the action."""
    return change_set_action(
        f"{EXECUTE_ACTION}{_ending(layer)}",
        "CHANGE_SET_EXECUTE",
        stack=stack_name(peer, layer, context.service.name),
        change_set_name=release_change_set_name(peer, context.service),
        delivery_role=Sub(role_arn(peer, DELIVERY, context.service.name)),
        configuration={},
        order=order,
        namespace=stack_variables(peer, layer),
    )


def stack_variables(peer: Environment, layer: str = SERVICE_LAYER) -> str:
    """Return the pipeline namespace whose variables are the outputs of one stack.

    The stack belongs to the layer named `layer` in the environment `peer`.
    """
    return f"{title(peer.name)}{_ending(layer)}"


def _ending(layer: str) -> str:
    return "" if layer == SERVICE_LAYER else title(layer)
