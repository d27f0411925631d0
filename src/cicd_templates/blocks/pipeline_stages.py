"""Creates stages of a pipeline, and conditions that say when a stage is entered, retried or rolled back.

A stage can have one condition of each kind, and all rules of a condition have the same `Result`:
https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-conditions.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from awacs.aws import ArnEqualsIfExists
from troposphere import Sub, codepipeline, iam

from cicd_templates.blocks.bucket_access import may_find, may_read_and_put
from cicd_templates.blocks.keys import may_encrypt
from cicd_templates.blocks.pipeline_actions import PipelineAction, PipelineContext
from cicd_templates.blocks.roles import service_role
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import artifact_keys, pipeline_arn
from cicd_templates.config.reserved_words import PIPELINE
from cicd_templates.layer.iam import Grant, document
from cicd_templates.layer.limits import require_length
from cicd_templates.layer.outputs import BucketName, KeyArn
from cicd_templates.layer.uniqueness import require_unique
from cicd_templates.template.partitions import partition_of

# The limit of `ActionConfigurationValue` in CodePipeline's API.
SETTING_LENGTH = 1000
# The name of the gate's stage, of its action, and of the namespace of its variables.
GATE_STAGE = "Gate"
VERDICT = f"#{{{GATE_STAGE}.Verdict}}"


class PipelineStage(NamedTuple):
    """A stage of the pipeline: its CloudFormation declaration, and its actions with their roles."""

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
    """Return a stage with `actions`. Actions with the lowest run order start first."""
    declaration = codepipeline.Stages(Name=name)
    if before:
        declaration.BeforeEntry = before
    declaration.Actions = [action.declaration for action in actions]
    if after:
        declaration.OnSuccess = after
    if on_failure:
        declaration.OnFailure = on_failure
    return PipelineStage(declaration, actions)


def require_accepted_lengths(context: PipelineContext, stages: Iterable[PipelineStage]) -> None:
    """Raise `ConfigurationError` if a setting of an action is longer than CodePipeline accepts.

    Settings contain names and paths from the configuration, which can be long. For a variable, the function counts only
    the reference `#{...}`, because the variable's value is unknown before a run.
    """
    partition = partition_of(context.env.region).name
    for found in stages:
        for action in (action.declaration for action in found.actions):
            for setting, value in action.Configuration.items():
                text = value.data.get("Fn::Sub", "") if isinstance(value, Sub) else value
                if isinstance(text, str):
                    require_length(
                        text.replace("${AWS::Partition}", partition),
                        SETTING_LENGTH,
                        f"services.{context.service.name}: {setting} of the action {action.Name} in the stage"
                        f" {found.declaration.Name}",
                        "shorten the name of the project, the service or the environment, or role_path",
                    )


def require_different_namespaces(service: str, stages: Iterable[PipelineStage]) -> None:
    """Raise `ConfigurationError` if two actions have the same namespace.

    Namespaces contain names of environments. A reference `#{namespace.variable}` must lead to only one action.
    """
    actions = [
        (f"{found.declaration.Name}/{action.declaration.Name}", action.declaration.Namespace)
        for found in stages
        for action in found.actions
        if hasattr(action.declaration, "Namespace")
    ]
    remedy = "rename one of the environments whose names lead to this namespace"
    require_unique(actions, "namespace", f"services.{service}", remedy)


def action_roles(stages: Iterable[PipelineStage]) -> list[iam.Role]:
    """Return the roles that the actions of `stages` use in this account, without duplicates."""
    roles = [action.role for stage in stages for action in stage.actions if action.role is not None]
    return list({role.title: role for role in roles}.values())


def gate_condition() -> codepipeline.BeforeEntryConditions:
    """Return an entry condition that lets a run enter a stage only if the scan gate's verdict is PASS.

    With any other verdict, the run fails. The gate's own action checks the verdict, too.
    """
    # With `Result="SKIP"`, the run would only skip the stage and continue.
    rule = _rule("Verdict", "VariableCheck", {"Variable": VERDICT, "Value": "PASS", "Operator": "EQ"})
    return codepipeline.BeforeEntryConditions(Conditions=[codepipeline.Condition(Result="FAIL", Rules=[rule])])


def deployment_window_condition(cron: str, time_zone: str) -> codepipeline.SuccessConditions:
    """Return a condition that lets a run enter a pipeline stage only inside the deployment window.

    AWS's documentation contradicts itself about a run outside the window. It says that the run fails, and also that the
    run waits for the next window.
    """
    rule = _rule("Window", "DeploymentWindow", {"Cron": cron, "TimeZone": time_zone})
    return codepipeline.SuccessConditions(Conditions=[codepipeline.Condition(Result="FAIL", Rules=[rule])])


def _rule(name: str, provider: str, configuration: dict[str, str]) -> codepipeline.RuleDeclaration:
    return codepipeline.RuleDeclaration(
        Name=name,
        RuleTypeId=codepipeline.RuleTypeId(Category="Rule", Owner="AWS", Provider=provider, Version="1"),
        Configuration=configuration,
    )


def retry_on_failure() -> codepipeline.FailureConditions:
    """Return a failure condition for a pipeline stage. It makes CodePipeline retry the failed actions once."""
    return codepipeline.FailureConditions(
        Result="RETRY", RetryConfiguration=codepipeline.RetryConfiguration(RetryMode="FAILED_ACTIONS")
    )


def rollback_on_failure() -> codepipeline.FailureConditions:
    """Return a failure condition that rolls a pipeline stage back to its last successful release.

    Do not use it in a stage with an approval. If a person rejects the release, the rollback requests the same approval
    again.
    """
    return codepipeline.FailureConditions(Result="ROLLBACK")


def pipeline_role(logical_id: str, env: Environment, service: Service, key: KeyArn, artifacts: BucketName) -> iam.Role:
    """Return the role of a service's pipeline.

    This function lets the role use only the bucket `artifacts`, which is encrypted with `key`. `pipeline_role_policy`
    adds the other permissions.
    """
    return service_role(
        logical_id,
        env,
        "codepipeline",
        may_find("FindItsStore", artifacts),
        may_read_and_put("UseItsStore", artifacts, artifact_keys(env, service.name)),
        may_encrypt("UseTheKeyOfItsStore", key),
        name=[PIPELINE, service.name],
        # AWS does not document a condition for the trust policy of a pipeline's role.
        when=[ArnEqualsIfExists({"aws:SourceArn": Sub(pipeline_arn(env, service.name))})],
    )


def pipeline_role_policy(logical_id: str, pipeline_role: iam.Role, grant: Grant) -> iam.PolicyType:
    """Return the policy of the pipeline's role as a separate resource.

    The roles of the actions trust the pipeline's role, so the pipeline's role must be created first. The policy refers
    to the roles of the actions, so the policy must be created last.
    """
    return iam.PolicyType(
        logical_id, Roles=[pipeline_role.ref()], PolicyName=logical_id, PolicyDocument=document([grant])
    )
