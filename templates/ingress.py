"""Layer `ingress`: the security group of one service; for a web service, also target groups and listener rules."""

from __future__ import annotations

from collections.abc import Sequence

from troposphere import GetAtt, ec2

from cicd_templates.blocks import target_groups
from cicd_templates.blocks.service_alarms import TargetGroupMetrics
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import title
from cicd_templates.config.reserved_words import MIGRATION
from cicd_templates.layer.offers import Use
from cicd_templates.layer.outputs import (
    ListenerRuleArn,
    MetricName,
    RoleArn,
    SecurityGroupId,
    ServiceOutput,
    TargetGroupArn,
    VpcId,
)
from cicd_templates.layer.template import LayerTemplate
from templates import cluster, network

PRIMARY = ServiceOutput(
    TargetGroupArn,
    "ingress",
    "PrimaryTargetGroupArn",
    "Primary target group; the first release uses it",
)
ALTERNATE = ServiceOutput(
    TargetGroupArn,
    "ingress",
    "AlternateTargetGroupArn",
    "Alternate target group; rollouts shift requests between both groups",
)
PRIMARY_METRICS = ServiceOutput(
    MetricName, "ingress", "PrimaryTargetGroupName", "Name that metrics use for the primary target group"
)
ALTERNATE_METRICS = ServiceOutput(
    MetricName, "ingress", "AlternateTargetGroupName", "Name that metrics use for the alternate target group"
)
PRODUCTION_RULE = ServiceOutput(
    ListenerRuleArn, "ingress", "ProductionRuleArn", "Listener rule for the requests of clients"
)
TEST_RULE = ServiceOutput(
    ListenerRuleArn, "ingress", "TestRuleArn", "Listener rule for requests that test a new release"
)
INFRASTRUCTURE_ROLE = ServiceOutput(
    RoleArn, "ingress", "InfrastructureRoleArn", "Role with which ECS shifts traffic between the target groups"
)
TASKS_GROUP_ID = ServiceOutput(SecurityGroupId, "ingress", "TasksGroupId", "Security group of the tasks")
MIGRATION_GROUP_ID = ServiceOutput(
    SecurityGroupId, "ingress", "MigrationGroupId", "Security group of the task that migrates data"
)


def target_group_metrics(layer: LayerTemplate) -> TargetGroupMetrics:
    """Return references to the names that the load balancer and the two target groups have in CloudWatch metrics.

    For each name, add a template parameter to `layer`. At deployment, the parameter gets the name from Parameter Store.
    """
    groups = layer.read(PRIMARY_METRICS), layer.read(ALTERNATE_METRICS)
    return TargetGroupMetrics(layer.read(cluster.BALANCER_METRICS), groups)


def build(env: Environment, service: Service, uses: Sequence[Use] = ()) -> LayerTemplate:
    """Return the security group of the tasks, with rules that let the tasks reach the resources in `uses`.

    A resource outside the VPC needs no rule. For a web service, also return two target groups and two listener rules. A
    change of the deployment strategy replaces none of these resources.
    """
    layer = LayerTemplate(env, service)
    vpc = layer.read(network.VPC_ID)
    if service.settings.is_web:
        _with_load_balancing(layer, env, service, vpc, uses)
    else:
        tasks = layer.add(target_groups.tasks_group("TasksGroup", env, service, vpc))
        _add_access(layer, service, tasks, "Tasks", uses)
        layer.publish(TASKS_GROUP_ID, SecurityGroupId(GetAtt(tasks, "GroupId")))
    if service.settings.migration:
        migration = layer.add(target_groups.tasks_group("MigrationGroup", env, service, vpc, MIGRATION))
        _add_access(layer, service, migration, title(MIGRATION), uses)
        layer.publish(MIGRATION_GROUP_ID, SecurityGroupId(GetAtt(migration, "GroupId")))
    return layer


def _add_access(
    layer: LayerTemplate, service: Service, tasks: ec2.SecurityGroup, whose: str, uses: Sequence[Use]
) -> None:
    for use in uses:
        if use.offer.port is not None:
            group = layer.read(use.offer.port.group)
            layer.add_all(target_groups.access_to(use.offer.name, service, tasks, group, use.offer.port.number, whose))


def _with_load_balancing(
    layer: LayerTemplate, env: Environment, service: Service, vpc: VpcId, uses: Sequence[Use]
) -> None:
    production = layer.read(cluster.LISTENER_ARN)
    test = layer.read(cluster.TEST_LISTENER_ARN)
    balancer_group = layer.read(cluster.BALANCER_GROUP_ID)

    tasks = layer.add(target_groups.tasks_group("TasksGroup", env, service, vpc))
    layer.add_all(target_groups.load_balancer_access(service, tasks, balancer_group))
    _add_access(layer, service, tasks, "Tasks", uses)
    primary = layer.add(target_groups.target_group("PrimaryTargetGroup", env, service, vpc, "primary"))
    alternate = layer.add(target_groups.target_group("AlternateTargetGroup", env, service, vpc, "alternate"))
    rules = [
        layer.add(target_groups.listener_rule(name, service, listener, primary, alternate))
        for name, listener in (("ProductionRule", production), ("TestRule", test))
    ]
    role = layer.add(target_groups.infrastructure_role("InfrastructureRole", env, service, [primary, alternate], rules))

    layer.publish(PRIMARY, TargetGroupArn(primary.ref()))
    layer.publish(ALTERNATE, TargetGroupArn(alternate.ref()))
    layer.publish(PRIMARY_METRICS, MetricName(GetAtt(primary, "TargetGroupFullName")))
    layer.publish(ALTERNATE_METRICS, MetricName(GetAtt(alternate, "TargetGroupFullName")))
    layer.publish(PRODUCTION_RULE, ListenerRuleArn(rules[0].ref()))
    layer.publish(TEST_RULE, ListenerRuleArn(rules[1].ref()))
    layer.publish(INFRASTRUCTURE_ROLE, RoleArn(role.get_att("Arn")))
    layer.publish(TASKS_GROUP_ID, SecurityGroupId(GetAtt(tasks, "GroupId")))
