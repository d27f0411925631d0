"""Layer `health`: when one service is not well, who hears of it, and what takes a release back."""

from __future__ import annotations

from troposphere import Sub, Template, cloudwatch

from cicd_templates.blocks import service_alarms, service_events
from cicd_templates.blocks.alarms import any_of
from cicd_templates.blocks.dashboards import service_dashboard
from cicd_templates.blocks.event_rules import Subject
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name
from cicd_templates.layer.outputs import AlarmNames, Output
from templates import ingress, notifications

ROLLBACK_ALARMS = Output(AlarmNames, "health", "RollbackAlarmNames", "Take a deployment back when they go off")


def build(env: Environment, service: Service) -> Template:
    """All of it looks at the service by the names that it will have, so it can stand before the service does."""
    template = Template()
    subject = Subject(env, service, notifications.DEAD_LETTERS.read(template, env))
    developers = notifications.DEVELOPERS.read(template, env)
    operations = notifications.OPERATIONS.read(template, env)
    sides = ingress.sides(template, env, service)
    for rule in service_events.service_rules(subject, {"developers": developers, "operations": operations}):
        template.add_resource(rule)
    decisive = service_alarms.rollback_alarms(subject, sides, [developers])
    for watched in (*decisive, *service_alarms.task_alarms(subject, developers, operations)):
        template.add_resource(watched)
    template.add_resource(
        any_of(
            "UnwellAlarm", env, [service.name, "unwell"], "Clients are not served well, or tasks do not start",
            decisive, [operations],
        )
    )  # fmt: skip
    template.add_resource(
        cloudwatch.Dashboard(
            "Dashboard",
            DashboardName=physical_name(env, "AWS::CloudWatch::Dashboard", service.name),
            DashboardBody=Sub(service_dashboard(env, service, sides)),
        )
    )
    ROLLBACK_ALARMS.publish(template, env, AlarmNames([each.ref() for each in decisive]), service.name)
    return template
