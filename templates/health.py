"""Layer `health`: when one service is not well, who hears of it, and what takes a release back."""

from __future__ import annotations

from troposphere import Sub, cloudwatch

from cicd_templates.blocks import service_alarms, service_events
from cicd_templates.blocks.alarms import any_of
from cicd_templates.blocks.dashboards import service_dashboard
from cicd_templates.blocks.event_rules import Subject
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name
from cicd_templates.layer.outputs import AlarmNames, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from templates import ingress, notifications

ROLLBACK_ALARMS = ServiceOutput(AlarmNames, "health", "RollbackAlarmNames", "Take a deployment back when they go off")


def build(env: Environment, service: Service) -> LayerTemplate:
    """All of it looks at the service by the names that it will have, so it can stand before the service does."""
    layer = LayerTemplate(env, service)
    subject = Subject(env, service, layer.read(notifications.DEAD_LETTERS))
    developers = layer.read(notifications.DEVELOPERS)
    operations = layer.read(notifications.OPERATIONS)
    sides = ingress.sides(layer)
    layer.add_all(service_events.service_rules(subject, {"developers": developers, "operations": operations}))
    decisive = service_alarms.rollback_alarms(subject, sides, [developers])
    layer.add_all((*decisive, *service_alarms.task_alarms(subject, developers, operations)))
    layer.add(
        any_of(
            "UnwellAlarm", env, [service.name, "unwell"], "Clients are not served well, or tasks do not start",
            decisive, [operations],
        )
    )  # fmt: skip
    layer.add(
        cloudwatch.Dashboard(
            "Dashboard",
            DashboardName=physical_name(env, "AWS::CloudWatch::Dashboard", service.name),
            DashboardBody=Sub(service_dashboard(env, service, sides)),
        )
    )
    layer.publish(ROLLBACK_ALARMS, AlarmNames([each.ref() for each in decisive]))
    return layer
