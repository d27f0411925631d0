"""Creates actions of a pipeline. Each action has its own role, which permits only this action.

The configuration properties of every action are documented at
https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from awacs import awslambda, codebuild, codeconnections, s3, sns
from troposphere import AWSHelperFn, GetAtt, Sub, codepipeline, iam

from cicd_templates.blocks.bucket_access import bucket_arn, may_find, may_put_tagged, may_read_tagged
from cicd_templates.blocks.keys import may_encrypt
from cicd_templates.blocks.roles import assumed_role
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import artifact_keys, project_arn, project_name, title
from cicd_templates.config.reserved_words import SOURCE_ACTION
from cicd_templates.layer.iam import Grant, allow, trust_role
from cicd_templates.layer.outputs import BucketName, FunctionName, KeyArn, TopicArn

EXECUTION_ID = "#{codepipeline.PipelineExecutionId}"


class PipelineContext(NamedTuple):
    """The values that all actions of a pipeline share. Only `pipeline_role` may assume the actions' roles."""

    env: Environment
    service: Service
    key: KeyArn
    artifacts: BucketName
    pipeline_role: iam.Role

    def role(self, logical_id: str, purpose: str, *grants: Grant) -> iam.Role:
        """Return the role of one pipeline action; only the pipeline's own role may assume it."""
        return assumed_role(
            f"{logical_id}ActionRole",
            self.env,
            trust_role(GetAtt(self.pipeline_role, "Arn")),
            *grants,
            name=[self.service.name, reserved_words.ACTION, purpose],
        )

    def source_role(self, name: str, *grants: Grant) -> iam.Role:
        """Return the role of a source action. Only roles of source actions may write source artifacts.

        The names of these roles have the same beginning, so that one pattern in the bucket policy matches all of them.
        """
        return assumed_role(
            f"{name}ActionRole",
            self.env,
            trust_role(GetAtt(self.pipeline_role, "Arn")),
            *grants,
            may_put_tagged("HandOnTheSource", self.artifacts, artifact_keys(self.env, self.service.name, name)),
            may_encrypt("UseTheKey", self.key),
            name=[SOURCE_ACTION, self.service.name, name.lower()],
        )


class PipelineAction(NamedTuple):
    """A pipeline action and its role. `role` is None if the action uses a role of another account."""

    declaration: codepipeline.Actions
    role: iam.Role | None = None


def _action(
    name: str,
    category: str,
    provider: str,
    configuration: Mapping[str, AWSHelperFn | str],
    role: AWSHelperFn | str,
    *,
    order: int = 1,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    namespace: str | None = None,
) -> codepipeline.Actions:
    action = codepipeline.Actions(
        Name=name,
        ActionTypeId=codepipeline.ActionTypeId(Category=category, Owner="AWS", Provider=provider, Version="1"),
        RunOrder=order,
        RoleArn=role,
        Configuration=dict(configuration),
    )
    if inputs:
        action.InputArtifacts = [codepipeline.InputArtifacts(Name=artifact) for artifact in inputs]
    if outputs:
        action.OutputArtifacts = [codepipeline.OutputArtifacts(Name=artifact) for artifact in outputs]
    if namespace:
        action.Namespace = namespace
    return action


def s3_source_action(context: PipelineContext, name: str, bucket: BucketName, key: str) -> PipelineAction:
    """Return a source action that reads an S3 object. It does not poll S3.

    An event starts the run and says which version of the object the action reads.
    """
    role = context.source_role(
        name,
        may_find("FindTheSource", bucket),
        may_read_tagged("ReadTheSource", bucket, key),
    )
    configuration: dict[str, AWSHelperFn | str] = {
        "S3Bucket": bucket,
        "S3ObjectKey": key,
        "PollForSourceChanges": "false",
        "AllowOverrideForS3ObjectKey": "false",
    }
    return PipelineAction(
        _action(name, "Source", "S3", configuration, GetAtt(role, "Arn"), outputs=[name], namespace=name), role
    )


def github_source_action(context: PipelineContext, name: str) -> PipelineAction:
    """Return a source action for a branch on GitHub. It uses a connection that a person has accepted in the console."""
    github = context.service.settings.github
    connection = str(github.connection_arn)
    keys = artifact_keys(context.env, context.service.name, name)
    role = context.source_role(
        name,
        allow("UseTheConnection", [codeconnections.UseConnection], on=connection),
        # The upload through a connection also sets an ACL, which makes the bucket's owner the owner of the object:
        # https://docs.aws.amazon.com/codepipeline/latest/userguide/how-to-custom-role.html
        allow(
            "NameTheOwnerOfTheSource",
            [s3.PutObjectAcl],
            on=bucket_arn(context.artifacts, keys),
        ),
    )
    configuration = {
        "ConnectionArn": connection,
        "FullRepositoryId": github.repository,
        "BranchName": github.branch,
        "DetectChanges": str(github.trigger).lower(),
        "OutputArtifactFormat": "CODE_ZIP",
    }
    return PipelineAction(
        _action(
            name,
            "Source",
            "CodeStarSourceConnection",
            configuration,
            GetAtt(role, "Arn"),
            outputs=[name],
            namespace=name,
        ),
        role,
    )


def codebuild_action(
    context: PipelineContext,
    name: str,
    purpose: str,
    variables: Mapping[str, str],
    *,
    category: str = "Build",
    order: int = 1,
    inputs: Sequence[str],
    outputs: Sequence[str] = (),
    namespace: str | None = None,
) -> PipelineAction:
    """Return a pipeline action that runs the CodeBuild project for `purpose`, such as a check's name.

    The values of `variables` may refer to variables of earlier actions.
    """
    env, service = context.env, context.service.name
    role = context.role(
        name,
        name.lower(),
        allow(
            "RunTheProject",
            [codebuild.BatchGetBuilds, codebuild.StartBuild, codebuild.StopBuild],
            on=Sub(project_arn(env, service, purpose)),
        ),
    )
    listed = [{"name": key, "value": value, "type": "PLAINTEXT"} for key, value in variables.items()]
    configuration = {
        "ProjectName": project_name(env, service, purpose),
        "EnvironmentVariables": json.dumps(listed),
    }
    return PipelineAction(
        _action(
            name,
            category,
            "CodeBuild",
            configuration,
            GetAtt(role, "Arn"),
            order=order,
            inputs=inputs,
            outputs=outputs,
            namespace=namespace,
        ),
        role,
    )


def lambda_action(
    context: PipelineContext,
    name: str,
    function: FunctionName,
    parameters: Mapping[str, str],
    *,
    namespace: str,
    order: int = 1,
) -> PipelineAction:
    """Return a pipeline action that invokes a Lambda function."""
    env = context.env
    arn = Sub(f"arn:${{AWS::Partition}}:lambda:{env.region}:{env.account}:function:${{Function}}", Function=function)
    grants = [
        allow("CallTheFunction", [awslambda.InvokeFunction], on=arn),
        allow(
            "FindTheFunction",
            [awslambda.ListFunctions],
            on="*",
            # https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-invoke-lambda-function.html
            because="lambda:ListFunctions, which CodePipeline calls before an invocation, supports no resource-level"
            " permissions.",
        ),
    ]
    role = context.role(name, name.lower(), *grants)
    text = json.dumps(dict(parameters))
    configuration: dict[str, AWSHelperFn | str] = {
        "FunctionName": function,
        "UserParameters": Sub(text) if "${" in text else text,
    }
    return PipelineAction(
        _action(
            name,
            "Invoke",
            "Lambda",
            configuration,
            GetAtt(role, "Arn"),
            order=order,
            namespace=namespace,
        ),
        role,
    )


def change_set_action(
    name: str,
    mode: str,
    *,
    stack: str,
    change_set_name: str,
    delivery_role: AWSHelperFn | str,
    configuration: Mapping[str, AWSHelperFn | str],
    order: int,
    inputs: Sequence[str] = (),
    namespace: str | None = None,
) -> PipelineAction:
    """Return a pipeline action that creates or executes a change set. It uses the delivery role of another account.

    `mode` is CodePipeline's `ActionMode`, such as `CHANGE_SET_EXECUTE`.
    """
    return PipelineAction(
        _action(
            name,
            "Deploy",
            "CloudFormation",
            {"ActionMode": mode, "StackName": stack, "ChangeSetName": change_set_name, **configuration},
            delivery_role,
            order=order,
            inputs=inputs,
            namespace=namespace,
        )
    )


def approval_action(
    context: PipelineContext, name: str, topic: TopicArn, data: str, link: str, *, order: int, purpose: str
) -> PipelineAction:
    """Return a manual approval action. It notifies `topic`, shows `data`, and expires after the configured hours."""
    role = context.role(
        f"{title(purpose)}{name}",
        f"{name.lower()}-{purpose}",
        allow("AskTheApprovers", [sns.Publish], on=topic),
        may_encrypt("UseTheKey", context.key),
    )
    action = _action(
        name,
        "Approval",
        "Manual",
        {"NotificationArn": topic, "CustomData": data, "ExternalEntityLink": link},
        GetAtt(role, "Arn"),
        order=order,
    )
    # CodePipeline accepts a timeout only for manual approvals: ActionDeclaration.timeoutInMinutes.
    action.TimeoutInMinutes = context.env.pipeline.approval_hours * 60
    return PipelineAction(action, role)
