"""Layer `ingress`: how requests reach the tasks of one service, on either side of a rollout."""

from __future__ import annotations

from troposphere import GetAtt, Template

from cicd_templates.blocks import target_groups
from cicd_templates.blocks.service_alarms import Sides
from cicd_templates.config.environment import Environment, Service
from cicd_templates.layer.outputs import (
    ListenerRuleArn,
    MetricName,
    Output,
    RoleArn,
    SecurityGroupId,
    TargetGroupArn,
)
from templates import cluster, network

PRIMARY = Output(TargetGroupArn, "ingress", "PrimaryTargetGroupArn", "One side of a rollout; the first release's")
ALTERNATE = Output(TargetGroupArn, "ingress", "AlternateTargetGroupArn", "The other side of a rollout")
PRIMARY_METRICS = Output(MetricName, "ingress", "PrimaryTargetGroupName", "The primary group in metrics")
ALTERNATE_METRICS = Output(MetricName, "ingress", "AlternateTargetGroupName", "The alternate group in metrics")
PRODUCTION_RULE = Output(ListenerRuleArn, "ingress", "ProductionRuleArn", "Clients' requests")
TEST_RULE = Output(ListenerRuleArn, "ingress", "TestRuleArn", "Requests that test a new release")
INFRASTRUCTURE_ROLE = Output(
    RoleArn, "ingress", "InfrastructureRoleArn", "With it ECS moves requests between the sides"
)
TASKS_GROUP_ID = Output(SecurityGroupId, "ingress", "TasksGroupId", "Lets the load balancer in and tasks out")


def sides(template: Template, env: Environment, service: Service) -> Sides:
    """What measures of a service are read by, in the template of another layer."""
    groups = (
        PRIMARY_METRICS.read(template, env, service.name),
        ALTERNATE_METRICS.read(template, env, service.name),
    )
    return Sides(cluster.BALANCER_METRICS.read(template, env), groups)


def build(env: Environment, service: Service) -> Template:
    """Two target groups and the rules of both listeners, whatever the rollout, so that climbing replaces none."""
    template = Template()
    vpc = network.VPC_ID.read(template, env)
    production = cluster.LISTENER_ARN.read(template, env)
    test = cluster.TEST_LISTENER_ARN.read(template, env)
    balancer_group = cluster.BALANCER_GROUP_ID.read(template, env)

    tasks = template.add_resource(target_groups.tasks_group("TasksGroup", env, service, vpc))
    way_in, way_out = target_groups.admitted(service, tasks, balancer_group)
    template.add_resource(way_in)
    template.add_resource(way_out)
    primary = template.add_resource(target_groups.target_group("PrimaryTargetGroup", env, service, vpc, "primary"))
    alternate = template.add_resource(
        target_groups.target_group("AlternateTargetGroup", env, service, vpc, "alternate")
    )
    rules = [
        template.add_resource(target_groups.listener_rule(name, service, listener, primary, alternate))
        for name, listener in (("ProductionRule", production), ("TestRule", test))
    ]
    role = template.add_resource(
        target_groups.infrastructure_role("InfrastructureRole", env, service, [primary, alternate], rules)
    )

    PRIMARY.publish(template, env, TargetGroupArn(primary.ref()), service.name)
    ALTERNATE.publish(template, env, TargetGroupArn(alternate.ref()), service.name)
    PRIMARY_METRICS.publish(template, env, MetricName(GetAtt(primary, "TargetGroupFullName")), service.name)
    ALTERNATE_METRICS.publish(template, env, MetricName(GetAtt(alternate, "TargetGroupFullName")), service.name)
    PRODUCTION_RULE.publish(template, env, ListenerRuleArn(rules[0].ref()), service.name)
    TEST_RULE.publish(template, env, ListenerRuleArn(rules[1].ref()), service.name)
    INFRASTRUCTURE_ROLE.publish(template, env, RoleArn(role.get_att("Arn")), service.name)
    TASKS_GROUP_ID.publish(template, env, SecurityGroupId(GetAtt(tasks, "GroupId")), service.name)
    return template
