"""Stages of a pipeline, and the conditions on which one is entered, left, retried or undone.

A stage takes one condition of each kind, and all rules of a condition have one result:
https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-conditions.html
"""

from __future__ import annotations

from collections.abc import Sequence

from troposphere import codepipeline, iam

from cicd_templates.blocks.pipeline_actions import Done
from cicd_templates.layer.iam import Grant, document

VERDICT = "#{Gate.Verdict}"


def stage(
    name: str,
    actions: Sequence[Done],
    *,
    before: codepipeline.BeforeEntryConditions | None = None,
    after: codepipeline.SuccessConditions | None = None,
    on_failure: codepipeline.FailureConditions | None = None,
) -> codepipeline.Stages:
    """A stage of `actions`, which run in the order that each of them states."""
    declared = codepipeline.Stages(Name=name)
    if before:
        declared.BeforeEntry = before
    declared.Actions = [done.action for done in actions]
    if after:
        declared.OnSuccess = after
    if on_failure:
        declared.OnFailure = on_failure
    return declared


def passed_the_gate() -> codepipeline.BeforeEntryConditions:
    """The second lock: nobody enters but with the gate's verdict. It fails the run; skipping would jump over it."""
    rule = _rule("Verdict", "VariableCheck", {"Variable": VERDICT, "Value": "PASS", "Operator": "EQ"})
    return codepipeline.BeforeEntryConditions(Conditions=[codepipeline.Condition(Result="FAIL", Rules=[rule])])


def inside_the_window(cron: str, time_zone: str) -> codepipeline.SuccessConditions:
    """The stage succeeds inside the deployment window only; outside, the run ends here or waits for the next one."""
    rule = _rule("Window", "DeploymentWindow", {"Cron": cron, "TimeZone": time_zone})
    return codepipeline.SuccessConditions(Conditions=[codepipeline.Condition(Result="FAIL", Rules=[rule])])


def _rule(name: str, provider: str, configuration: dict[str, str]) -> codepipeline.RuleDeclaration:
    return codepipeline.RuleDeclaration(
        Name=name,
        RuleTypeId=codepipeline.RuleTypeId(Category="Rule", Owner="AWS", Provider=provider, Version="1"),
        Configuration=configuration,
    )


def retry_failed_actions() -> codepipeline.FailureConditions:
    """Once more what failed, and only that."""
    return codepipeline.FailureConditions(
        Result="RETRY", RetryConfiguration=codepipeline.RetryConfiguration(RetryMode="FAILED_ACTIONS")
    )


def roll_back() -> codepipeline.FailureConditions:
    """Back to the last release that passed this stage. Never where somebody approves: a refusal would ask again."""
    return codepipeline.FailureConditions(Result="ROLLBACK")


def may_act(logical_id: str, pipeline_role: iam.Role, grant: Grant) -> iam.PolicyType:
    """What the pipeline's role may assume; a resource of its own, because those roles trust the pipeline's first."""
    return iam.PolicyType(
        logical_id, Roles=[pipeline_role.ref()], PolicyName=logical_id, PolicyDocument=document([grant])
    )
