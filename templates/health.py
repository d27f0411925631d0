"""Layer `health`: alarms and notifications about one service, including the alarms that roll a release back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from troposphere import AWSHelperFn, Sub, cloudwatch

from cicd_templates.blocks import job_monitoring, service_alarms, service_event_rules
from cicd_templates.blocks.alarms import composite_alarm
from cicd_templates.blocks.dashboards import service_dashboard, worker_dashboard
from cicd_templates.blocks.event_rules import MonitoredService
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name
from cicd_templates.config.tables.job import JobTable
from cicd_templates.layer.offers import Use, backlogs
from cicd_templates.layer.outputs import AlarmNames, ServiceOutput, TopicArn
from cicd_templates.layer.template import LayerTemplate
from templates import ingress, notifications

ROLLBACK_ALARMS = ServiceOutput(AlarmNames, "health", "RollbackAlarmNames", "Alarms that roll a deployment back")


def build(env: Environment, service: Service, uses: Sequence[Use] = ()) -> LayerTemplate:
    """Return rules, alarms and a dashboard for one service. A worker's dashboard shows the queues that it uses.

    The names of the service's resources are known in advance. So this stack can be created before the service.
    """
    layer = LayerTemplate(env, service)
    monitored = MonitoredService(env, service, layer.read(notifications.DEAD_LETTER_QUEUE))
    developers = layer.read(notifications.DEVELOPERS)
    operations = layer.read(notifications.OPERATIONS)
    topics = {"developers": developers, "operations": operations}
    if service.settings.job is not None:
        _add_job(layer, monitored, service.settings.job, topics)
        return layer
    layer.add_all(service_event_rules.service_rules(monitored, topics))
    start_alarms = service_alarms.start_alarms(monitored, [developers])
    if service.settings.is_web:
        metrics = ingress.target_group_metrics(layer)
        rollback_alarms = [*service_alarms.response_alarms(monitored, metrics, [developers]), *start_alarms]
        unwell_alarms, unwell = rollback_alarms, "The service has errors, slow responses, unhealthy targets or no tasks"
        dashboard: AWSHelperFn | str = Sub(service_dashboard(env, service, metrics))
    else:
        queues = {name: layer.read(queue) for name, queue in backlogs(uses).items()}
        rollback_alarms = start_alarms
        # At the first deployment, no task runs until the image is pulled. So this alarm must not roll a deployment
        # back.
        unwell_alarms = [*start_alarms, service_alarms.no_tasks_alarm(monitored, [developers])]
        unwell = "The tasks of the worker do not keep running"
        body = worker_dashboard(env, service, queues)
        # cfn-lint reports an Fn::Sub without a variable.
        dashboard = Sub(body) if queues else body
    layer.add_all((*unwell_alarms, *service_alarms.task_alarms(monitored, developers, operations)))
    _add_summary(layer, service, unwell, unwell_alarms, operations, dashboard)
    layer.publish(ROLLBACK_ALARMS, AlarmNames([alarm.ref() for alarm in rollback_alarms]))
    return layer


def _add_job(layer: LayerTemplate, monitored: MonitoredService, job: JobTable, topics: Mapping[str, TopicArn]) -> None:
    layer.add_all(job_monitoring.job_rules(monitored, topics))
    alarms = layer.add_all(job_monitoring.job_alarms(monitored, job, [topics["developers"]]))
    unwell = "A run of the job failed, is missing, could not be started, or lasts too long"
    dashboard = job_monitoring.job_dashboard(monitored)
    _add_summary(layer, monitored.service, unwell, alarms, topics["operations"], dashboard)


def _add_summary(
    layer: LayerTemplate,
    service: Service,
    unwell: str,
    alarms: Sequence[cloudwatch.Alarm],
    operations: TopicArn,
    dashboard: AWSHelperFn | str,
) -> None:
    """Add the dashboard, and the alarm that notifies `operations` when another alarm of the service fires."""
    env = layer.env
    layer.add(composite_alarm("UnwellAlarm", env, [service.name, "unwell"], unwell, alarms, [operations]))
    layer.add(
        cloudwatch.Dashboard(
            "Dashboard",
            DashboardName=physical_name(env, "AWS::CloudWatch::Dashboard", service.name),
            DashboardBody=dashboard,
        )
    )
