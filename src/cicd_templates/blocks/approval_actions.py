"""The pipeline's actions around an approval: describe the change sets, ask for approval, and check the change sets.

The check runs before the change sets are executed. It requires that the change sets deploy only what the signer has
signed. In an environment with an approval, it also requires that the approver saw each change set.
CodePipeline itself does not ensure this: it executes a change set by its name, and a later change set can have the same
name:
https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html
"""

from __future__ import annotations

from collections.abc import Sequence

from cicd_templates.blocks.delivery_actions import APPROVE_ACTION, SERVICE_LAYER, release_change_set_name
from cicd_templates.blocks.pipeline_actions import (
    EXECUTION_ID,
    PipelineAction,
    PipelineContext,
    approval_action,
    lambda_action,
)
from cicd_templates.blocks.pipeline_stages import GATE_STAGE
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import role_arn, stack_name, title
from cicd_templates.config.reserved_words import MIGRATION, REVIEW
from cicd_templates.layer.outputs import FunctionName, TopicArn

REVIEW_ACTION, APPROVE, CHECK_ACTION, ATTEST_ACTION = "Review", APPROVE_ACTION, "Check", "Attest"
# The names of two variables of the review action: the digest of the record that the approver sees, and the address of
# the page for the approver.
REVIEWED, PAGE_URL = "Reviewed", "PageUrl"


def approval_actions(
    context: PipelineContext,
    peer: Environment,
    function: FunctionName,
    topic: TopicArn,
    *,
    image: str,
    templates: str,
    order: int,
) -> list[PipelineAction]:
    """Return two actions. The first describes the change sets. The second shows the description and asks for approval.

    `image` is the image of the release, and `templates` is the version of its templates.
    """
    service = context.service
    name = _review_name(peer)
    parameters = {
        "stack": stack_name(peer, SERVICE_LAYER, service.name),
        **_change_sets(context, peer),
        "image": image,
        "templates": templates,
    }
    if service.settings.migration:
        parameters["migration"] = stack_name(peer, MIGRATION, service.name)
    data = (
        f"{service.name} to {peer.qualified}: #{{{name}.Summary}}."
        f" Review #{{{name}.{REVIEWED}}}. Image #{{{name}.Digest}}."
        f" Templates {templates}: #{{{name}.Templates}}."
        f" Gate: #{{{GATE_STAGE}.Verdict}}, #{{{GATE_STAGE}.Critical}} critical, #{{{GATE_STAGE}.High}} high,"
        f" #{{{GATE_STAGE}.Medium}} medium, #{{{GATE_STAGE}.Waived}} waived,"
        f" #{{{GATE_STAGE}.Weaker}} allowed only by a weaker policy. Report: #{{{GATE_STAGE}.ReportKey}}."
    )
    link = f"#{{{name}.{PAGE_URL}}}"
    return [
        lambda_action(context, name, function, parameters, namespace=name, order=order),
        approval_action(context, APPROVE, topic, data, link, order=order + 1, purpose=peer.name),
    ]


def check_action(
    context: PipelineContext,
    peer: Environment,
    function: FunctionName,
    layers: Sequence[str],
    *,
    statements: str,
    name: str = CHECK_ACTION,
    order: int,
) -> PipelineAction:
    """Return an action that fails if a change set was not approved, or has an unsigned image or template.

    - `layers` are the layers whose stacks the action checks.
    - `statements` is the folder in which the signer has stored its statements about the release.
    """
    parameters = {
        "stacks": ",".join(stack_name(peer, layer, context.service.name) for layer in layers),
        "layers": ",".join(layers),
        **_change_sets(context, peer),
        "statements": statements,
    }
    if peer.protected:
        parameters["reviewed"] = f"#{{{_review_name(peer)}.{REVIEWED}}}"
    action = f"{name}{title(peer.name)}"
    return lambda_action(context, action, function, parameters, namespace=action, order=order)


def attest_action(
    context: PipelineContext,
    peer: Environment,
    function: FunctionName,
    layers: Sequence[str],
    *,
    statements: str,
    image: str,
    name: str = ATTEST_ACTION,
    order: int,
) -> PipelineAction:
    """Return a pipeline action whose Lambda function signs a statement about a deployment of the stacks of `layers`.

    Earlier actions of the same pipeline stage deploy these stacks.

    If the Lambda function cannot sign, the result depends on the stage:

    - In a stage with an approval, the action fails. A person can retry the action without repeating the deployment.
    - In a stage without an approval, the Lambda function reports the problem, but the action does not fail. A failed
      action would roll the stage back, and so undo a good deployment.
    """
    parameters = {
        "stacks": ",".join(stack_name(peer, layer, context.service.name) for layer in layers),
        "layers": ",".join(layers),
        **_reading(context, peer),
        "statements": statements,
        "image": image,
    }
    if peer.protected:
        parameters["reviewed"] = f"#{{{_review_name(peer)}.{REVIEWED}}}"
    action = f"{name}{title(peer.name)}"
    return lambda_action(context, action, function, parameters, namespace=action, order=order)


def _review_name(peer: Environment) -> str:
    return f"{REVIEW_ACTION}{title(peer.name)}"


def _change_sets(context: PipelineContext, peer: Environment) -> dict[str, str]:
    """Return the parameters that tell the review function and the approval check which change sets to read."""
    return {"changeSet": release_change_set_name(peer, context.service), **_reading(context, peer)}


def _reading(context: PipelineContext, peer: Environment) -> dict[str, str]:
    """Return the user parameters with which a Lambda function reads a deployment to the environment `peer`."""
    return {
        "role": role_arn(peer, REVIEW, context.service.name),
        "region": peer.region,
        "environment": peer.qualified,
        "execution": EXECUTION_ID,
    }
