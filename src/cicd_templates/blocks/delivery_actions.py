"""The pipeline's two actions on a service's stack in another account: make the change set, and execute it.

Both work with the delivery role of that account. CloudFormation then works with the execution role, which it keeps for
the stack for ever.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from troposphere import Sub

from cicd_templates.blocks.pipeline_actions import PipelineAction, PipelineContext, change_set_action
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name, role_arn, stack_name, title
from cicd_templates.config.purposes import DELIVERY, EXECUTION

SERVICE_LAYER = "service"


def change_set_name(env: Environment, service: Service) -> str:
    """Return the name of the one change set that the pipeline makes on the service's stack; each run replaces it."""
    return physical_name(env, "AWS::CloudFormation::ChangeSet", service.name, "release")


def prepare_action(
    context: PipelineContext, peer: Environment, *, templates: str, overrides: Mapping[str, str]
) -> PipelineAction:
    """Return the action that makes the change set from `templates`, the artifact of the reviewed templates.

    `overrides` are values of template parameters by name.
    """
    service = context.service
    file = f"{peer.qualified}/{SERVICE_LAYER}-{service.name}"
    return change_set_action(
        "Prepare",
        "CHANGE_SET_REPLACE",
        stack=stack_name(peer, SERVICE_LAYER, service.name),
        change_set_name=change_set_name(peer, service),
        delivery_role=Sub(role_arn(peer, DELIVERY, service.name)),
        configuration={
            "Capabilities": "CAPABILITY_NAMED_IAM",
            # CloudFormation keeps this role for the stack forever; `make deploy` passes the same one.
            "RoleArn": Sub(role_arn(peer, DELIVERY, EXECUTION, service.name)),
            "TemplatePath": f"{templates}::{file}.yaml",
            # The pipeline sets no tags on a stack by itself, and by its tags a stack is known as ours.
            "TemplateConfiguration": f"{templates}::{file}.configuration.json",
            "ParameterOverrides": json.dumps(dict(overrides)),
        },
        order=1,
        inputs=[templates],
    )


def execute_action(context: PipelineContext, peer: Environment, *, order: int) -> PipelineAction:
    """Return the action that executes the change set; the stack's outputs are its variables."""
    return change_set_action(
        "Execute",
        "CHANGE_SET_EXECUTE",
        stack=stack_name(peer, SERVICE_LAYER, context.service.name),
        change_set_name=change_set_name(peer, context.service),
        delivery_role=Sub(role_arn(peer, DELIVERY, context.service.name)),
        configuration={},
        order=order,
        namespace=title(peer.name),
    )
