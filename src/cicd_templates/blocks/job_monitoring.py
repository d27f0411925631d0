"""Creates a job's event rules, alarms and dashboard. They report runs that fail, do not start, start late or last too
long.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from troposphere import Sub, cloudwatch, events

from cicd_templates.blocks.alarms import Metric, alarm, late_data_alarm
from cicd_templates.blocks.dashboards import HALF, dashboard_body
from cicd_templates.blocks.event_rules import MonitoredService, notification_rule
from cicd_templates.blocks.jobs import job_family, job_group, schedule_group_name, undelivered_starts_words
from cicd_templates.blocks.service_event_rules import (
    ROLLBACK_MESSAGE,
    ROLLBACK_PATHS,
    ROLLED_BACK,
    stack_rollback_pattern,
)
from cicd_templates.config.naming import cluster_arn, cluster_name, physical_name
from cicd_templates.config.tables.job import JobTable
from cicd_templates.config.tables.job_schedules import interval_of
from cicd_templates.layer.outputs import TopicArn
from cicd_templates.plurals import counted
from cicd_templates.template.partitions import console_address

JOB_FAILED = "job-failed"
MINUTE, FIVE_MINUTES, HOUR = 60, 300, 3600
# An alarm evaluates at most one day if its periods are shorter than an hour, otherwise at most seven days:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
DAY_MINUTES, WEEK_MINUTES = 24 * 60, 7 * 24 * 60
# When daylight saving time ends, one interval between two runs is an hour longer.
CLOCK_CHANGE_MINUTES = 60
# CloudWatch may get the metrics of a start some minutes late.
LATE_MINUTES = 10


def job_rules(monitored: MonitoredService, topics: Mapping[str, TopicArn]) -> list[events.Rule]:
    """Return the rules that notify stakeholder groups when a run fails, or when the job's stack is rolled back."""
    env = monitored.env
    page = f"{console_address(env.region)}/ecs/v2/clusters/{cluster_name(env)}/tasks?region={env.region}"
    return [
        notification_rule(
            "JobFailedRule",
            monitored,
            JOB_FAILED,
            _failed_run_pattern(monitored),
            f"a run of the job in {env.qualified} failed: <reason>",
            {"reason": "$.detail.stoppedReason"},
            {"developers": topics["developers"]},
            page,
        ),
        notification_rule(
            "RolledBackRule",
            monitored,
            ROLLED_BACK,
            stack_rollback_pattern(monitored),
            ROLLBACK_MESSAGE.format(env.qualified),
            ROLLBACK_PATHS,
            dict(topics),
            page,
        ),
    ]


def _failed_run_pattern(monitored: MonitoredService) -> dict[str, Any]:
    """Return the event pattern for scheduled runs that could not be started, or whose container failed.

    Runs that the pipeline has started are left out, because the pipeline itself reports their failures.
    """
    env, service = monitored.env, monitored.service
    return {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        "detail": {
            "clusterArn": [Sub(cluster_arn(env))],
            "group": [job_group(env, service)],
            "lastStatus": ["STOPPED"],
            "$or": [
                {"stopCode": ["TaskFailedToStart"]},
                {"containers": {"name": [service.name], "exitCode": [{"anything-but": [0]}]}},
            ],
        },
    }


def job_alarms(monitored: MonitoredService, job: JobTable, tell: Sequence[TopicArn]) -> list[cloudwatch.Alarm]:
    """Return the alarms of a job. The alarm on missing runs is left out if the job is disabled or runs too rarely."""
    env, service = monitored.env, monitored.service
    found = [
        alarm(
            "JobFailedAlarm", env, [service.name, JOB_FAILED], "A run of the job failed or could not be started",
            Metric("AWS/Events", "TriggeredRules", {"RuleName": monitored.rule_name(JOB_FAILED)}, "Sum", FIVE_MINUTES),
            above=0, tell=tell,
        ),
        late_data_alarm(
            alarm(
                "NotStartedAlarm", env, [service.name, "not-started"],
                "ECS refused every attempt of EventBridge Scheduler to start the job; see the dead-letter queue",
                _undelivered_starts(monitored), above=0, tell=tell,
            ), 3,
        ),
        # Container Insights has a value for each minute in which a task runs, and no value for any other minute.
        alarm(
            "TooLongAlarm", env, [service.name, "too-long"],
            f"A run takes longer than {counted(job.max_minutes, 'minute')}",
            _task_metric(monitored, "CpuReserved"), above=0, tell=tell, periods=job.max_minutes,
        ),
    ]  # fmt: skip
    minutes = watched_minutes(job)
    if minutes is not None:
        found.append(_missing_run_alarm(monitored, minutes, tell))
    return found


def watched_minutes(job: JobTable) -> int | None:
    """Return how many minutes may pass without a run before an alarm fires.

    The result is the longest time between two runs of the job, plus the delays that are allowed for a run. Return None
    if the job is disabled. An alarm can watch at most a week, so also return None if the result would exceed a week.
    """
    clock_change = CLOCK_CHANGE_MINUTES if job.schedule.startswith("cron") else 0
    minutes = interval_of(job.schedule).longest + job.window_minutes + clock_change + LATE_MINUTES
    return minutes if job.enabled and minutes <= WEEK_MINUTES else None


def _missing_run_alarm(monitored: MonitoredService, minutes: int, tell: Sequence[TopicArn]) -> cloudwatch.Alarm:
    """Return an alarm that fires if the schedule has not tried to start a run for `minutes` minutes."""
    period = FIVE_MINUTES if minutes <= DAY_MINUTES else HOUR
    base = alarm(
        "MissingRunAlarm",
        monitored.env,
        [monitored.service.name, "missing-run"],
        "No run of the job has begun in time",
        _schedule_metric(monitored, "InvocationAttemptCount", period),
        above=1,
        tell=tell,
        periods=math.ceil(minutes * MINUTE / period),
    )
    base.ComparisonOperator, base.TreatMissingData = "LessThanThreshold", "breaching"
    return base


def _schedule_metric(monitored: MonitoredService, name: str, period: int) -> Metric:
    group = schedule_group_name(monitored.env, monitored.service)
    return Metric("AWS/Scheduler", name, {"ScheduleGroup": group}, "Sum", period)


def _undelivered_starts(monitored: MonitoredService) -> Metric:
    name = physical_name(monitored.env, "AWS::SQS::Queue", *undelivered_starts_words(monitored.service))
    return Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": name}, "Maximum", FIVE_MINUTES)


def _task_metric(monitored: MonitoredService, name: str) -> Metric:
    """Return a Container Insights metric of the job's tasks.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
    """
    env = monitored.env
    dimensions = {"ClusterName": cluster_name(env), "TaskDefinitionFamily": job_family(env, monitored.service)}
    return Metric("ECS/ContainerInsights", name, dimensions, "Maximum", MINUTE)


def job_dashboard(monitored: MonitoredService) -> str:
    """Return the dashboard of a job as JSON."""
    starts = [
        (_schedule_metric(monitored, "InvocationAttemptCount", FIVE_MINUTES), "starts tried"),
        (_schedule_metric(monitored, "TargetErrorCount", FIVE_MINUTES), "starts refused"),
        (_undelivered_starts(monitored), "starts given up"),
    ]
    failed = Metric("AWS/Events", "TriggeredRules", {"RuleName": monitored.rule_name(JOB_FAILED)}, "Sum", FIVE_MINUTES)
    use = [(_task_metric(monitored, name), name) for name in ("CpuUtilized", "CpuReserved")]
    memory = [(_task_metric(monitored, name), name) for name in ("MemoryUtilized", "MemoryReserved")]
    rows = [
        (HALF, "Starts of the job", FIVE_MINUTES, _series(starts)),
        (HALF, "Failed runs", FIVE_MINUTES, _series([(failed, "failed")])),
        (HALF, "CPU of the runs, units", MINUTE, _series(use)),
        (HALF, "Memory of the runs, MiB", MINUTE, _series(memory)),
    ]
    return dashboard_body(monitored.env.region, rows)


def _series(metrics: Sequence[tuple[Metric, str]]) -> list[Any]:
    return [
        [
            metric.namespace,
            metric.name,
            *(part for pair in metric.dimensions.items() for part in pair),
            {"label": label, "stat": metric.statistic},
        ]
        for metric, label in metrics
    ]
