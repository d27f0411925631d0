"""Layer `health`: when one service is not well, who hears of it, and what may stop a release."""

from __future__ import annotations

from troposphere import GetAtt, Sub, Template, cloudwatch

from cicd_templates.blocks import hooks, service_alarms, service_events
from cicd_templates.blocks.alarms import any_of, function_errors
from cicd_templates.blocks.dashboards import service_dashboard
from cicd_templates.blocks.deployments import hooks_role
from cicd_templates.blocks.rules import Subject
from cicd_templates.environment import Environment, Service
from cicd_templates.naming import physical_name, title
from cicd_templates.outputs import AlarmNames, FunctionArn, Output, RoleArn, TopicArn
from templates import cluster, ingress, keys, network, notifications

ROLLBACK_ALARMS = Output(AlarmNames, "health", "RollbackAlarmNames", "Take a deployment back when they go off")
HOOKS_ROLE = Output(RoleArn, "health", "HooksRoleArn", "With it ECS calls the functions that must agree to a release")


def hook_function(hook: str) -> Output[FunctionArn]:
    """The function behind a hook of the configuration."""
    return Output(FunctionArn, "health", f"{title(hook)}FunctionArn", "Must agree to a release")


def build(env: Environment, service: Service) -> Template:
    """All of it looks at the service by the names that it will have, so it can stand before the service does."""
    template = Template()
    subject = Subject(env, service, notifications.DEAD_LETTERS.read(template, env))
    developers = notifications.DEVELOPERS.read(template, env)
    operations = notifications.OPERATIONS.read(template, env)
    sides = ingress.sides(template, env, service)
    for rule in service_events.service_rules(subject, {"developers": developers, "operations": operations}):
        template.add_resource(rule)
    answers = service_alarms.answer_alarms(subject, sides, [developers])
    for watched in (*answers, *service_alarms.task_alarms(subject, developers, operations)):
        template.add_resource(watched)
    template.add_resource(
        any_of(
            "UnwellAlarm", env, [service.name, "unwell"], "Clients of the service are not served well",
            answers, [operations],
        )
    )  # fmt: skip
    if service.settings.hooks:
        _add_hooks(template, subject, operations)
    template.add_resource(
        cloudwatch.Dashboard(
            "Dashboard",
            DashboardName=physical_name(env, "AWS::CloudWatch::Dashboard", service.name),
            DashboardBody=Sub(service_dashboard(env, service, sides)),
        )
    )
    ROLLBACK_ALARMS.publish(template, env, AlarmNames([each.ref() for each in answers]), service.name)
    return template


def _add_hooks(template: Template, subject: Subject, operations: TopicArn) -> None:
    """The functions of the configuration, the alarm on each, and the role with which ECS calls them."""
    env, service = subject.env, subject.service
    key = keys.KEY_ARN.read(template, env)
    made = []
    for hook in service.settings.hooks:
        if hook == hooks.SMOKE:
            group = template.add_resource(
                hooks.smoke_group("SmokeGroup", env, service, network.VPC_ID.read(template, env))
            )
            resources = hooks.smoke(
                subject,
                key,
                cluster.BALANCER_HOST.read(template, env),
                network.PRIVATE_SUBNET_IDS.read(template, env),
                group,
            )
        else:
            resources = hooks.verify_image(subject, key)
        for resource in resources:
            template.add_resource(resource)
        function = resources[-1]
        words = [service.name, hook]
        template.add_resource(function_errors(f"{title(hook)}Errors", env, words, function.ref(), [operations]))
        hook_function(hook).publish(template, env, FunctionArn(GetAtt(function, "Arn")), service.name)
        made.append(FunctionArn(GetAtt(function, "Arn")))
    role = template.add_resource(hooks_role("HooksRole", env, service, made))
    HOOKS_ROLE.publish(template, env, RoleArn(role.get_att("Arn")), service.name)
