"""Layer `delivery`: the roles with which the pipeline can deploy one service and nothing else."""

from __future__ import annotations

from awacs import cloudformation, cloudwatch, ecs, iam, kms, s3
from awacs.aws import StringEquals, StringEqualsIfExists
from troposphere import Sub
from troposphere import iam as iam_resources

from cicd_templates.blocks.alarm_names import HEALTH_LAYER, health_alarm_names
from cicd_templates.blocks.delivery_actions import SERVICE_LAYER, release_change_set_name
from cicd_templates.blocks.delivery_permissions import may_resolve_values, service_grants
from cicd_templates.blocks.job_checks import job_check
from cicd_templates.blocks.job_permissions import may_keep_the_schedule
from cicd_templates.blocks.migrations import MIGRATION, migration_run
from cicd_templates.blocks.roles import assumed_role, service_role
from cicd_templates.blocks.task_runs import task_run_role
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import TEMPLATES, artifact_keys, physical_name, role_arn, service_arn, stack_name
from cicd_templates.config.reserved_words import DELIVERY, EXECUTION, PIPELINE
from cicd_templates.layer.iam import Grant, allow, trust_roles_of
from cicd_templates.layer.outputs import RoleArn, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from cicd_templates.template.partitions import regional_hosts
from templates import keys

CLOUDFORMATION_ROLE = ServiceOutput(
    RoleArn, "delivery", "ExecutionRoleArn", "Role with which CloudFormation works on the service's stack"
)


def exists(env: Environment) -> bool:
    """Return whether the pipeline deploys to the environment."""
    return env.name in env.pipeline.path


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return these roles of one service:

    - The pipeline assumes the delivery role, and passes the CloudFormation role to CloudFormation.
    - Functions of the tools environment assume the review role to read the change sets of releases.
    - A function assumes the migration role to run a migration, if the service has one.
    - A function assumes the job check role to test a release, if the service is a job in an unprotected environment.
    """
    layer = LayerTemplate(env, service)
    tools = env.tools
    execution = layer.add(
        service_role(
            "CloudFormationRole",
            env,
            "cloudformation",
            *service_grants(env, service),
            *(may_keep_the_schedule(env, service, layer.read(keys.KEY_ARN)) if service.settings.job else ()),
            name=[DELIVERY, EXECUTION, service.name],
        )
    )
    layer.add(
        assumed_role(
            "DeliveryRole",
            env,
            trust_roles_of(tools.account, [Sub(role_arn(tools, PIPELINE, service.name))]),
            *_may_take_templates(env, service),
            *_may_deploy(env, service),
            *may_resolve_values(env),
            allow(
                "GiveCloudFormationItsRole",
                [iam.PassRole],
                on=execution.get_att("Arn"),
                when=[StringEquals({"iam:PassedToService": "cloudformation.amazonaws.com"})],
            ),
            name=[DELIVERY, service.name],
        )
    )
    layer.add(_review_role(env, service))
    if service.settings.migration:
        layer.add(task_run_role("MigrationRole", env, service, migration_run(env, service)))
    if service.settings.job and not env.protected:
        layer.add(task_run_role("JobCheckRole", env, service, job_check(env, service, service.settings.job)))
    layer.publish(CLOUDFORMATION_ROLE, RoleArn(execution.get_att("Arn")))
    return layer


def _review_role(env: Environment, service: Service) -> iam_resources.Role:
    """Return the role with which functions of the tools environment read the change sets and deployments in `env`.

    The approval check and the signer may assume the role. The review function may assume it if `env` is protected.
    """
    functions = [
        *([reserved_words.REVIEW] if env.protected else []),
        reserved_words.APPROVAL_CHECK,
        reserved_words.SIGNER,
    ]
    deployed = [*_stacks(env, service), *_stacks(env, service, HEALTH_LAYER)]
    alarms = [
        Sub(f"arn:${{AWS::Partition}}:cloudwatch:{env.region}:{env.account}:alarm:{name}")
        for name in health_alarm_names(env, service)
    ]
    grants = [
        allow("LookAtDeployedResources", [cloudformation.DescribeStackResources], on=deployed),
        allow("ReadTheStatesOfItsAlarms", [cloudwatch.DescribeAlarmHistory, cloudwatch.DescribeAlarms], on=alarms),
    ]
    if service.settings.job is None:
        grants.append(allow("LookAtTheRunningService", [ecs.DescribeServices], on=Sub(service_arn(env, service.name))))
    return assumed_role(
        "ReviewRole",
        env,
        trust_roles_of(
            env.tools.account,
            [Sub(role_arn(env.tools, service.name, function, "function")) for function in functions],
        ),
        allow(
            "LookAtChangeSets",
            [cloudformation.DescribeChangeSet, cloudformation.GetTemplate],
            on=_stacks(env, service),
        ),
        *grants,
        name=[reserved_words.REVIEW, service.name],
    )


def _stacks(env: Environment, service: Service, *layers: str) -> list[Sub]:
    """Return the ARNs of the service's stacks in `layers`. The default is the layers that a release updates."""
    begin = f"arn:${{AWS::Partition}}:cloudformation:{env.region}:{env.account}:stack"
    layers = layers or (SERVICE_LAYER, *([MIGRATION] if service.settings.migration else []))
    return [Sub(f"{begin}/{stack_name(env, layer, service.name)}/*") for layer in layers]


def _may_take_templates(env: Environment, service: Service) -> list[Grant]:
    """Let the delivery role read the reviewed templates in the artifact bucket of the tools environment.

    The policies of the bucket and its key also allow this. They identify the delivery role by its name.
    """
    tools = env.tools
    artifacts = physical_name(tools, "AWS::S3::Bucket", "artifacts")
    objects = artifact_keys(tools, service.name, TEMPLATES)
    return [
        allow(
            "TakeTheReviewedTemplates",
            [s3.GetObject, s3.GetObjectVersion],
            on=Sub(f"arn:${{AWS::Partition}}:s3:::{artifacts}/{objects}"),
        ),
        # The id of the key is known only in the key's own account. The key policy lets this role use the key only
        # through S3.
        allow(
            "DecryptTheReviewedTemplates",
            [kms.Decrypt, kms.DescribeKey],
            on=Sub(f"arn:${{AWS::Partition}}:kms:{tools.region}:{tools.account}:key/*"),
            when=[StringEquals({"kms:ViaService": regional_hosts("s3", tools.region)})],
        ),
    ]


def _may_deploy(env: Environment, service: Service) -> list[Grant]:
    # Some of these calls do not send the condition key, although AWS's reference states that all of them send it.
    own_change_set = StringEqualsIfExists({"cloudformation:ChangeSetName": release_change_set_name(env, service)})
    return [
        allow(
            "ReplaceTheChangeSet",
            [cloudformation.CreateChangeSet, cloudformation.DeleteChangeSet, cloudformation.ExecuteChangeSet],
            on=_stacks(env, service),
            when=[own_change_set],
        ),
        # The pipeline action passes the tags that are in its template configuration. CloudFormation authorizes tags
        # separately.
        allow("TagTheStack", [cloudformation.TagResource, cloudformation.UntagResource], on=_stacks(env, service)),
        allow(
            "FollowTheDeployment",
            [
                cloudformation.DescribeChangeSet,
                cloudformation.DescribeStackEvents,
                cloudformation.DescribeStackResources,
                cloudformation.DescribeStacks,
                cloudformation.GetTemplate,
            ],
            on=_stacks(env, service),
        ),
    ]
