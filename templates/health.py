"""Layer `health`: alarms and notifications about one service, among them the alarms that roll a release back."""

from __future__ import annotations

from troposphere import Sub, cloudwatch

from cicd_templates.blocks import service_alarms, service_event_rules
from cicd_templates.blocks.alarms import composite_alarm
from cicd_templates.blocks.dashboards import service_dashboard
from cicd_templates.blocks.event_rules import MonitoredService
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name
from cicd_templates.layer.outputs import AlarmNames, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from templates import ingress, notifications

ROLLBACK_ALARMS = ServiceOutput(AlarmNames, "health", "RollbackAlarmNames", "Alarms that roll a deployment back")


def build(env: Environment, service: Service) -> LayerTemplate:
    """Return rules, alarms and a dashboard for one service.

    They refer to the service by names that are known in advance, so they can be created before the service.
    """
    layer = LayerTemplate(env, service)
    monitored = MonitoredService(env, service, layer.read(notifications.DEAD_LETTER_QUEUE))
    developers = layer.read(notifications.DEVELOPERS)
    operations = layer.read(notifications.OPERATIONS)
    metrics = ingress.target_group_metrics(layer)
    layer.add_all(service_event_rules.service_rules(monitored, {"developers": developers, "operations": operations}))
    rollback_alarms = service_alarms.rollback_alarms(monitored, metrics, [developers])
    layer.add_all((*rollback_alarms, *service_alarms.task_alarms(monitored, developers, operations)))
    layer.add(
        composite_alarm(
            "UnwellAlarm", env, [service.name, "unwell"],
            "The service has errors, latency, unhealthy targets or no tasks",
            rollback_alarms, [operations],
        )
    )  # fmt: skip
    layer.add(
        cloudwatch.Dashboard(
            "Dashboard",
            DashboardName=physical_name(env, "AWS::CloudWatch::Dashboard", service.name),
            DashboardBody=Sub(service_dashboard(env, service, metrics)),
        )
    )
    layer.publish(ROLLBACK_ALARMS, AlarmNames([alarm.ref() for alarm in rollback_alarms]))
    return layer
