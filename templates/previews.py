"""Layer `previews`: the role for previews, which show what a pull request would change in this environment."""

from __future__ import annotations

from collections.abc import Iterator

from awacs import cloudformation, ec2, iam, kms, ssm
from awacs.aws import Null, StringEquals, StringLike
from troposphere import Sub

from cicd_templates.blocks.bucket_access import may_put, may_read
from cicd_templates.blocks.github_roles import github_role
from cicd_templates.blocks.keys import may_use_through
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import name_prefix
from cicd_templates.config.reserved_words import PULL_REQUEST
from cicd_templates.layer.iam import EVERY_RESOURCE, Grant, allow, deny
from cicd_templates.layer.template import LayerTemplate
from cicd_templates.template.previews import PREVIEW_PREFIX, PREVIEWED_TEMPLATES
from templates import keys, storage


def exists(env: Environment) -> bool:
    """Return whether pull requests may preview changes of `env`. The result is false for a parallel copy."""
    return env.settings.pull_requests and not env.is_copy


def build(env: Environment) -> LayerTemplate:
    """Return the role that the code of a pull request uses. It can preview changes, but cannot execute any."""
    layer = LayerTemplate(env)
    key = layer.read(keys.KEY_ARN)
    uploads = layer.read(storage.UPLOADS_BUCKET)
    grants = [
        *_may_preview(env),
        *_may_read_values(env),
        may_put("PutLongTemplates", uploads, f"{PREVIEWED_TEMPLATES}/*"),
        may_read("LetCloudFormationReadThem", uploads, f"{PREVIEWED_TEMPLATES}/*"),
        may_use_through("EncryptLongTemplates", env, ["s3"], [kms.Decrypt, kms.GenerateDataKey], key),
        _no_change(),
    ]
    subject = f"repo:{env.project.repository}:pull_request"
    layer.add(github_role("PullRequestRole", env, subject, *grants, name=[PULL_REQUEST]))
    return layer


def _may_preview(env: Environment) -> list[Grant]:
    """Let the role create, describe and delete change sets of previews.

    - The names of these change sets begin with `PREVIEW_PREFIX`. No role may execute a change set with this prefix.
    - The role can create change sets only for stacks that have the tags of this environment. So it cannot create a new
      stack: a change set for a new stack would leave an empty stack behind.
    - The role cannot pass a role to CloudFormation, so CloudFormation uses the role that the stack already has.
    """
    place = f"arn:${{AWS::Partition}}:cloudformation:{env.region}:{env.account}"
    stacks = Sub(f"{place}:stack/{name_prefix(env)}-*/*")
    ours = StringEquals(
        {"aws:ResourceTag/Project": env.project.name, "aws:ResourceTag/Environment": env.qualified},
    )
    named = StringLike({"cloudformation:ChangeSetName": f"{PREVIEW_PREFIX}*"})
    return [
        allow(
            "PreviewExistingStacks",
            [cloudformation.CreateChangeSet],
            on=stacks,
            when=[ours, named, Null({"cloudformation:RoleArn": "true"})],
        ),
        allow(
            "ReadAndDeletePreviews",
            [cloudformation.DeleteChangeSet, cloudformation.DescribeChangeSet],
            on=stacks,
            when=[named],
        ),
        allow(
            "ReadStacks",
            [cloudformation.DescribeEvents, cloudformation.DescribeStacks, cloudformation.GetTemplate],
            on=stacks,
        ),
    ]


def _may_read_values(env: Environment) -> Iterator[Grant]:
    path = f"parameter/{env.project.name}/{env.qualified}/*"
    parameters = Sub(f"arn:${{AWS::Partition}}:ssm:{env.region}:{env.account}:{path}")
    yield allow("ReadPublishedValues", [ssm.GetParameters], on=parameters)
    if env.kind == "runtime":
        # CloudFormation looks up parameter values that are ids of EC2 resources, with the permissions of the caller:
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
        yield allow(
            "LetCloudFormationCheckIds",
            [ec2.DescribeSecurityGroups, ec2.DescribeSubnets, ec2.DescribeVpcs],
            on=EVERY_RESOURCE,
            because="the Describe actions of ec2 support no resource-level permissions.",
        )


def _no_change() -> Grant:
    """Deny all changes of stacks. This denial also overrides policies that somebody attaches to the role later."""
    return deny(
        "ChangeNothing",
        [
            cloudformation.CreateStack,
            cloudformation.DeleteStack,
            cloudformation.ExecuteChangeSet,
            cloudformation.UpdateStack,
            iam.PassRole,
        ],
        on=EVERY_RESOURCE,
    )
