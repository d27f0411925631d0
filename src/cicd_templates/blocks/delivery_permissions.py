"""The permissions that CloudFormation needs to create, update and delete the resources of the layer `service`.

The registry schema of a resource type lists the permissions that CloudFormation needs for its resources:
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html

If an action can be limited to certain resources, it is allowed only for resources with names from `config.naming`.
"""

from __future__ import annotations

from awacs import application_autoscaling as scaling
from awacs import cloudwatch, ec2, ecs, iam, kms, logs, ssm
from awacs.aws import ConditionElement, StringEquals, StringEqualsIfExists
from troposphere import Sub

from cicd_templates.blocks.ecs_services import HOOKS
from cicd_templates.blocks.migrations import MIGRATION, migration_log
from cicd_templates.blocks.migrations import ROLES as MIGRATION_ROLES
from cicd_templates.blocks.repositories import EXECUTION_ROLE
from cicd_templates.blocks.target_groups import INFRASTRUCTURE
from cicd_templates.blocks.task_parts import TASK_ROLE
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import (
    cluster_name,
    log_group_name,
    parameter_path,
    physical_name,
    role_arn,
    service_arn,
    service_name,
)
from cicd_templates.layer.iam import Grant, allow


def service_grants(env: Environment, service: Service) -> list[Grant]:
    """Return the permissions of the role that CloudFormation uses when a release updates a service's stacks.

    The result always includes the permissions for the stack of a migration. If a migration is removed from the
    configuration, CloudFormation needs these permissions to delete the stack.

    The module `job_permissions` returns the permissions for the schedule of a job.
    """
    if service.settings.job is not None:
        return [*_task_definitions(env, service), *_of_every_service(env, service)]
    return [*_tasks(env, service), *_of_every_service(env, service), *_scaling(env)]


def _of_every_service(env: Environment, service: Service) -> list[Grant]:
    return [
        *_roles(env, service),
        *_logs(env, service),
        *may_resolve_values(env),
        _publication(env, service),
    ]


def _arn(env: Environment, service: str, resource: str) -> Sub:
    return Sub(f"arn:${{AWS::Partition}}:{service}:{env.region}:{env.account}:{resource}")


def _tasks(env: Environment, service: Service) -> list[Grant]:
    cluster, name = cluster_name(env), service_name(env, service.name)
    own_service = Sub(service_arn(env, service.name))
    return [
        allow(
            "RunTheService",
            [
                ecs.CreateService,
                ecs.DeleteService,
                ecs.DescribeServices,
                ecs.ListServiceDeployments,
                ecs.UpdateService,
            ],
            on=own_service,
        ),
        allow(
            "FollowItsDeployments",
            [ecs.DescribeServiceDeployments, ecs.StopServiceDeployment],
            on=[own_service, _arn(env, "ecs", f"service-deployment/{cluster}/{name}/*")],
        ),
        *_task_definitions(env, service, own_service),
    ]


def _task_definitions(env: Environment, service: Service, *tagged: Sub) -> list[Grant]:
    """Let CloudFormation manage and tag the task definitions of the service.

    Also let CloudFormation tag the other ECS resources whose ARNs are in `tagged`.
    """
    families = [physical_name(env, "AWS::ECS::TaskDefinition", service.name, *words) for words in ([], [MIGRATION])]
    return [
        allow(
            "TagTheServiceAndItsTasks",
            [ecs.ListTagsForResource, ecs.TagResource, ecs.UntagResource],
            on=[*tagged, *(_arn(env, "ecs", f"task-definition/{family}:*") for family in families)],
        ),
        allow(
            "KeepTaskDefinitions",
            [ecs.DeregisterTaskDefinition, ecs.DescribeTaskDefinition, ecs.RegisterTaskDefinition],
            on="*",
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
            because="ecs supports no resource-level permissions for registering, describing or deregistering task"
            " definitions.",
        ),
    ]


def _roles(env: Environment, service: Service) -> list[Grant]:
    words = [(EXECUTION_ROLE,), (TASK_ROLE,), *MIGRATION_ROLES]
    roles = [Sub(role_arn(env, service.name, *purpose)) for purpose in words]
    boundary = env.settings.permissions_boundary
    bounded: list[ConditionElement] = [StringEquals({"iam:PermissionsBoundary": boundary})] if boundary else []
    grants = [
        allow(
            "MakeTheTaskRoles",
            [iam.CreateRole, iam.DeleteRolePolicy, iam.PutRolePolicy],
            on=roles,
            when=bounded,
        ),
        _boundary_grant(boundary, roles),
        allow(
            "KeepTheTaskRoles",
            [
                iam.DeleteRole,
                iam.GetRole,
                iam.GetRolePolicy,
                iam.ListAttachedRolePolicies,
                iam.ListRolePolicies,
                iam.ListRoleTags,
                iam.TagRole,
                iam.UntagRole,
                iam.UpdateAssumeRolePolicy,
                iam.UpdateRole,
                iam.UpdateRoleDescription,
            ],
            on=roles,
        ),
        allow(
            "GiveTasksTheirRoles",
            [iam.PassRole],
            on=roles,
            when=[StringEquals({"iam:PassedToService": "ecs-tasks.amazonaws.com"})],
        ),
    ]
    # Workers and jobs have no hooks, and no role that shifts requests.
    if service.settings.is_web:
        ecs_roles = allow(
            "GiveEcsItsRoles",
            [iam.PassRole],
            on=[Sub(role_arn(env, service.name, purpose)) for purpose in (INFRASTRUCTURE, HOOKS)],
            when=[StringEquals({"iam:PassedToService": "ecs.amazonaws.com"})],
        )
        grants.insert(-1, ecs_roles)
    return grants


def _boundary_grant(boundary: str | None, roles: list[Sub]) -> Grant:
    """Let CloudFormation set the configured permissions boundary on roles.

    If a boundary is configured, CloudFormation may replace a role's boundary but not remove it. If no boundary is
    configured, CloudFormation may remove a boundary that an earlier configuration has set.
    """
    if boundary is None:
        return allow("RemoveAFormerBoundary", [iam.DeleteRolePermissionsBoundary], on=roles)
    return allow(
        "BoundTheTaskRoles",
        [iam.PutRolePermissionsBoundary],
        on=roles,
        when=[StringEquals({"iam:PermissionsBoundary": boundary})],
    )


def _logs(env: Environment, service: Service) -> list[Grant]:
    names = [log_group_name(env, "service", service.name), migration_log(env, service)]
    return [
        allow(
            "KeepTheLogGroup",
            [
                logs.AssociateKmsKey,
                logs.CreateLogGroup,
                logs.DeleteDataProtectionPolicy,
                logs.DeleteLogGroup,
                logs.DeleteRetentionPolicy,
                logs.DisassociateKmsKey,
                logs.GetDataProtectionPolicy,
                logs.ListTagsForResource,
                logs.PutDataProtectionPolicy,
                logs.PutRetentionPolicy,
                logs.TagResource,
                logs.UntagResource,
            ],
            on=[_arn(env, "logs", f"log-group:{name}{end}") for name in names for end in ("", ":*")],
        ),
        allow(
            "LookAtLogGroups",
            [logs.DescribeLogGroups],
            # IAM authorizes DescribeLogGroups for all log groups of the account; it cannot be limited to one name.
            on=_arn(env, "logs", "log-group:*"),
        ),
        allow(
            "LookAtPoliciesOfLogGroups",
            [logs.DescribeIndexPolicies, logs.DescribeResourcePolicies],
            on="*",
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
            because="logs:DescribeIndexPolicies and logs:DescribeResourcePolicies support no resource-level"
            " permissions.",
        ),
        allow(
            "CheckTheKeyOfTheLogGroup",
            [kms.DescribeKey],
            on=_arn(env, "kms", "key/*"),
            when=[StringEquals({"aws:ResourceTag/Environment": env.name})],
        ),
    ]


def may_resolve_values(env: Environment) -> list[Grant]:
    """Let a role deploy templates whose parameters read the values of other layers from Parameter Store.

    CloudFormation reads these values. If a value is the id of a subnet or a security group, CloudFormation also checks
    that the subnet or the group exists.

    AWS does not document which role CloudFormation uses for this: the role that calls CreateChangeSet, or the stack's
    role. So both roles get these grants.
    """
    return [
        allow(
            "ReadValues",
            [ssm.GetParameter, ssm.GetParameters],
            on=_arn(env, "ssm", f"parameter/{env.project.name}/{env.qualified}/*"),
        ),
        allow(
            "CheckValues",
            [ec2.DescribeSecurityGroups, ec2.DescribeSubnets],
            on="*",
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
            because="the Describe actions of ec2 support no resource-level permissions.",
        ),
    ]


def _publication(env: Environment, service: Service) -> Grant:
    """Let CloudFormation store the outputs of a service's stack as parameters in Parameter Store."""
    own = parameter_path(env, "service", "*", service.name)
    return allow(
        "PublishItsOwnValues",
        [
            ssm.AddTagsToResource,
            ssm.DeleteParameter,
            ssm.ListTagsForResource,
            ssm.PutParameter,
            ssm.RemoveTagsFromResource,
        ],
        on=_arn(env, "ssm", f"parameter{own}"),
    )


def _scaling(env: Environment) -> list[Grant]:
    """Let CloudFormation manage the scalable target and the scaling policies of a service.

    The grant is also for services without autoscaling. If autoscaling is removed from the configuration, CloudFormation
    needs the grant to delete the scalable target and the policies. Application Auto Scaling creates the alarms of
    scaling policies only if CloudFormation has the permissions for these alarms:
    https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_permission_validation.html
    """
    targets = _arn(env, "application-autoscaling", "scalable-target/*")
    service_linked = (
        f"arn:${{AWS::Partition}}:iam::{env.account}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/"
        "AWSServiceRoleForApplicationAutoScaling_ECSService"
    )
    return [
        allow(
            "ScaleTheService",
            [
                scaling.DeleteScalingPolicy,
                scaling.DeleteScheduledAction,
                scaling.DeregisterScalableTarget,
                scaling.ListTagsForResource,
                scaling.PutScalingPolicy,
                scaling.PutScheduledAction,
                scaling.RegisterScalableTarget,
                scaling.TagResource,
                scaling.UntagResource,
            ],
            on=targets,
            when=[StringEqualsIfExists({"application-autoscaling:service-namespace": "ecs"})],
        ),
        allow(
            "LetScalingHaveItsAlarms",
            [cloudwatch.DeleteAlarms, cloudwatch.PutMetricAlarm],
            on=_arn(env, "cloudwatch", "alarm:TargetTracking-*"),
        ),
        allow(
            "LookAtScaling",
            [
                cloudwatch.DescribeAlarms,
                cloudwatch.GetMetricData,
                scaling.DescribeScalableTargets,
                scaling.DescribeScalingPolicies,
                scaling.DescribeScheduledActions,
            ],
            on="*",
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsapplicationautoscaling.html
            because="the Describe actions of application-autoscaling support no resource-level permissions, and"
            " requests about alarms and metrics do not name a resource.",
        ),
        allow(
            "LetScalingHaveItsRole",
            [iam.CreateServiceLinkedRole],
            on=Sub(service_linked),
            when=[StringEquals({"iam:AWSServiceName": "ecs.application-autoscaling.amazonaws.com"})],
        ),
    ]
