"""Layer `health`: alarms and notifications about one service, among them the alarms that roll a release back."""

from __future__ import annotations

from collections.abc import Sequence

from troposphere import AWSHelperFn, Sub, cloudwatch

from cicd_templates.blocks import service_alarms, service_event_rules
from cicd_templates.blocks.alarms import composite_alarm
from cicd_templates.blocks.dashboards import service_dashboard, worker_dashboard
from cicd_templates.blocks.event_rules import MonitoredService
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name
from cicd_templates.layer.offers import Use, backlogs
from cicd_templates.layer.outputs import AlarmNames, ServiceOutput
from cicd_templates.layer.template import LayerTemplate
from templates import ingress, notifications

ROLLBACK_ALARMS = ServiceOutput(AlarmNames, "health", "RollbackAlarmNames", "Alarms that roll a deployment back")


def build(env: Environment, service: Service, uses: Sequence[Use] = ()) -> LayerTemplate:
    """Return rules, alarms and a dashboard for one service. The dashboard of a worker shows the queues that it `uses`.

    The names of the service's resources are known in advance. So this stack can be created before the service.
    """
    layer = LayerTemplate(env, service)
    monitored = MonitoredService(env, service, layer.read(notifications.DEAD_LETTER_QUEUE))
    developers = layer.read(notifications.DEVELOPERS)
    operations = layer.read(notifications.OPERATIONS)
    layer.add_all(service_event_rules.service_rules(monitored, {"developers": developers, "operations": operations}))
    start_alarms = service_alarms.start_alarms(monitored, [developers])
    if service.settings.is_web:
        metrics = ingress.target_group_metrics(layer)
        rollback_alarms = [*service_alarms.response_alarms(monitored, metrics, [developers]), *start_alarms]
        unwell_alarms, unwell = rollback_alarms, "The service has errors, latency, unhealthy targets or no tasks"
        dashboard: AWSHelperFn | str = Sub(service_dashboard(env, service, metrics))
    else:
        queues = {name: layer.read(queue) for name, queue in backlogs(uses).items()}
        rollback_alarms = start_alarms
        # At the first deployment no task runs until the image is pulled, so this alarm rolls nothing back.
        unwell_alarms = [*start_alarms, service_alarms.no_tasks_alarm(monitored, [developers])]
        unwell = "The tasks of the worker do not keep running"
        body = worker_dashboard(env, service, queues)
        # cfn-lint reports an Fn::Sub that inserts nothing.
        dashboard = Sub(body) if queues else body
    layer.add_all((*unwell_alarms, *service_alarms.task_alarms(monitored, developers, operations)))
    layer.add(composite_alarm("UnwellAlarm", env, [service.name, "unwell"], unwell, unwell_alarms, [operations]))
    layer.add(
        cloudwatch.Dashboard(
            "Dashboard",
            DashboardName=physical_name(env, "AWS::CloudWatch::Dashboard", service.name),
            DashboardBody=dashboard,
        )
    )
    layer.publish(ROLLBACK_ALARMS, AlarmNames([alarm.ref() for alarm in rollback_alarms]))
    return layer
