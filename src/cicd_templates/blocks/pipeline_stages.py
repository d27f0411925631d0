"""Stages of a pipeline, and the conditions on which one is entered, left, retried or rolled back.

A stage takes one condition of each kind, and all rules of a condition have one result:
https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-conditions.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from troposphere import codepipeline, iam

from cicd_templates.blocks.pipeline_actions import PipelineAction
from cicd_templates.layer.iam import Grant, document

# The name of the stage and of the action that decide, and the namespace of their variables.
GATE = "Gate"
VERDICT = f"#{{{GATE}.Verdict}}"


@dataclass(frozen=True)
class PipelineStage:
    """A stage as the pipeline declares it, and its actions with their roles."""

    declaration: codepipeline.Stages
    actions: Sequence[PipelineAction]


def stage(
    name: str,
    actions: Sequence[PipelineAction],
    *,
    before: codepipeline.BeforeEntryConditions | None = None,
    after: codepipeline.SuccessConditions | None = None,
    on_failure: codepipeline.FailureConditions | None = None,
) -> PipelineStage:
    """Return a stage of `actions`, which run in the order that each of them states."""
    declaration = codepipeline.Stages(Name=name)
    if before:
        declaration.BeforeEntry = before
    declaration.Actions = [action.declaration for action in actions]
    if after:
        declaration.OnSuccess = after
    if on_failure:
        declaration.OnFailure = on_failure
    return PipelineStage(declaration, actions)


def action_roles(stages: Iterable[PipelineStage]) -> list[iam.Role]:
    """Return the roles of the actions of `stages` in this account, each once."""
    roles = [action.role for stage in stages for action in stage.actions if action.role is not None]
    return list({role.title: role for role in roles}.values())


def gate_condition() -> codepipeline.BeforeEntryConditions:
    """Return the second lock: without the gate's verdict the run fails here; `SKIP` would only skip the stage."""
    rule = _rule("Verdict", "VariableCheck", {"Variable": VERDICT, "Value": "PASS", "Operator": "EQ"})
    return codepipeline.BeforeEntryConditions(Conditions=[codepipeline.Condition(Result="FAIL", Rules=[rule])])


def deployment_window_condition(cron: str, time_zone: str) -> codepipeline.SuccessConditions:
    """Return a condition that holds inside the deployment window; outside, the run fails or waits for the next one."""
    rule = _rule("Window", "DeploymentWindow", {"Cron": cron, "TimeZone": time_zone})
    return codepipeline.SuccessConditions(Conditions=[codepipeline.Condition(Result="FAIL", Rules=[rule])])


def _rule(name: str, provider: str, configuration: dict[str, str]) -> codepipeline.RuleDeclaration:
    return codepipeline.RuleDeclaration(
        Name=name,
        RuleTypeId=codepipeline.RuleTypeId(Category="Rule", Owner="AWS", Provider=provider, Version="1"),
        Configuration=configuration,
    )


def retry_on_failure() -> codepipeline.FailureConditions:
    """Return the retry of the failed actions, once, and of no others."""
    return codepipeline.FailureConditions(
        Result="RETRY", RetryConfiguration=codepipeline.RetryConfiguration(RetryMode="FAILED_ACTIONS")
    )


def rollback_on_failure() -> codepipeline.FailureConditions:
    """Return the rollback to the last successful release. Not with an approval: a rejection would ask for it again."""
    return codepipeline.FailureConditions(Result="ROLLBACK")


def pipeline_role_policy(logical_id: str, pipeline_role: iam.Role, grant: Grant) -> iam.PolicyType:
    """Return the policy of `pipeline_role` as a resource of its own: the roles that it names must trust it first."""
    return iam.PolicyType(
        logical_id, Roles=[pipeline_role.ref()], PolicyName=logical_id, PolicyDocument=document([grant])
    )
