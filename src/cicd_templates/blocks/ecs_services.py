"""The ECS service of an application: its deployment strategy, and the alarms and hooks that roll back a release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from awacs import awslambda as actions
from troposphere import ecs, iam

from cicd_templates.blocks.roles import service_role
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import service_name
from cicd_templates.layer.iam import allow
from cicd_templates.layer.outputs import (
    AlarmNames,
    ClusterName,
    FunctionArn,
    ListenerRuleArn,
    RoleArn,
    SecurityGroupId,
    SubnetIds,
    TargetGroupArn,
)

STRATEGIES = {"blue-green": "BLUE_GREEN", "canary": "CANARY", "linear": "LINEAR", "rolling": "ROLLING"}
# The deployment stage in which ECS invokes each hook: before the release's tasks start, and after test traffic has
# shifted to the release.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html
STAGES = {"verify-image": "PRE_SCALE_UP", "smoke": "POST_TEST_TRAFFIC_SHIFT"}
# Name of the role with which ECS invokes the hooks; CloudFormation passes this role to ECS.
HOOKS = reserved_words.HOOKS


class Traffic(NamedTuple):
    """A web service's target groups and listener rules, and the role that ECS uses to shift requests between the
    groups.
    """

    primary: TargetGroupArn
    alternate: TargetGroupArn
    production_rule: ListenerRuleArn
    test_rule: ListenerRuleArn
    role: RoleArn


class Safeguards(NamedTuple):
    """Everything that can stop an ECS deployment: the rollback alarms and the functions of lifecycle hooks.

    The functions are keyed by the hook's name.
    """

    alarms: AlarmNames | None
    hooks: Mapping[str, FunctionArn]
    hook_role: RoleArn | None


def fargate_service(
    logical_id: str,
    env: Environment,
    service: Service,
    *,
    cluster: ClusterName,
    definition: ecs.TaskDefinition,
    subnets: SubnetIds,
    group: SecurityGroupId,
    traffic: Traffic | None,
    safeguards: Safeguards,
) -> ecs.Service:
    """Return the ECS service. `traffic` is None for a worker, which has no load balancer.

    Even a service with the rolling strategy gets all parts of `traffic`: two target groups, two listener rules and the
    role. Without these parts, ECS would refuse a later change to another strategy. After a change back to the rolling
    strategy, the service continues with the target group that receives the requests at that time:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/update-rolling-to-bluegreen.html
    """
    settings = service.settings
    vpc = ecs.AwsvpcConfiguration(AssignPublicIp="DISABLED", Subnets=subnets, SecurityGroups=[group])
    # Without DesiredCount, an update keeps the task count that autoscaling has set. With it, an update would reset the
    # count.
    count: dict[str, Any] = {"DesiredCount": settings.desired_count} if settings.autoscaling is None else {}
    checked: dict[str, Any] = {}
    balanced: dict[str, Any] = {}
    if traffic is not None:
        checked["HealthCheckGracePeriodSeconds"] = settings.health_check.grace_seconds
        balanced["LoadBalancers"] = [_load_balancer(service, traffic)]
    return ecs.Service(
        logical_id,
        ServiceName=service_name(env, service.name),
        Cluster=cluster,
        TaskDefinition=definition.ref(),
        LaunchType="FARGATE",
        PlatformVersion="1.4.0",
        **count,
        DeploymentConfiguration=_deployment(service, safeguards),
        **checked,
        NetworkConfiguration=ecs.NetworkConfiguration(AwsvpcConfiguration=vpc),
        **balanced,
        EnableECSManagedTags=True,
        EnableExecuteCommand=settings.audited_exec,
        PropagateTags="SERVICE",
    )


def _load_balancer(service: Service, traffic: Traffic) -> ecs.LoadBalancer:
    return ecs.LoadBalancer(
        ContainerName=service.name,
        ContainerPort=service.settings.port,
        TargetGroupArn=traffic.primary,
        AdvancedConfiguration=ecs.AdvancedConfiguration(
            AlternateTargetGroupArn=traffic.alternate,
            ProductionListenerRule=traffic.production_rule,
            TestListenerRule=traffic.test_rule,
            RoleArn=traffic.role,
        ),
    )


def _deployment(service: Service, safeguards: Safeguards) -> ecs.DeploymentConfiguration:
    settings = service.settings
    deployment = ecs.DeploymentConfiguration(
        Strategy=STRATEGIES[settings.rollout], MinimumHealthyPercent=100, MaximumPercent=200
    )
    if not settings.is_progressive:
        on = settings.has_circuit_breaker
        deployment.DeploymentCircuitBreaker = ecs.DeploymentCircuitBreaker(Enable=on, Rollback=on)
    if safeguards.alarms is not None:
        deployment.Alarms = ecs.DeploymentAlarms(AlarmNames=safeguards.alarms, Enable=True, Rollback=True)
    # Under the rolling strategy, the bake time cannot be set, because ECS computes it from the alarms:
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
    if settings.is_progressive:
        deployment.BakeTimeInMinutes = settings.bake_minutes
    if settings.rollout == "canary":
        deployment.CanaryConfiguration = ecs.CanaryConfiguration(
            CanaryPercent=settings.canary.percent, CanaryBakeTimeInMinutes=settings.canary.bake_minutes
        )
    if settings.rollout == "linear":
        deployment.LinearConfiguration = ecs.LinearConfiguration(
            StepPercent=settings.linear.percent, StepBakeTimeInMinutes=settings.linear.bake_minutes
        )
    if safeguards.hooks:
        deployment.LifecycleHooks = [
            ecs.DeploymentLifecycleHook(
                HookTargetArn=function, RoleArn=safeguards.hook_role, LifecycleStages=[STAGES[hook]]
            )
            for hook, function in safeguards.hooks.items()
        ]
    return deployment


def hooks_role(logical_id: str, env: Environment, service: Service, functions: list[FunctionArn]) -> iam.Role:
    """Return the role that ECS uses to invoke the deployment hooks of one service. The role has no other
    permissions.
    """
    return service_role(
        logical_id,
        env,
        "ecs",
        allow("CallTheHooks", [actions.InvokeFunction], on=functions),
        name=[service.name, HOOKS],
    )
