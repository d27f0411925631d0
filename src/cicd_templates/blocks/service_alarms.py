"""Creates the alarms of a running service. They monitor responses, target health, task counts, CPU and memory.

Every load balancer metric is evaluated for both target groups. After a rollout, only one group has tasks. The metrics
of the other group have no values; missing values count as 0.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from troposphere import cloudwatch

from cicd_templates.blocks.alarms import Metric, alarm, computed_alarm, late_data_alarm, m_of_n_alarm
from cicd_templates.blocks.autoscaling import running_tasks
from cicd_templates.blocks.event_rules import MonitoredService
from cicd_templates.blocks.service_event_rules import DEPLOYMENT_FAILED, ROLLED_BACK, START_IMPAIRED, TASK_ENDED
from cicd_templates.config.naming import cluster_name, service_name
from cicd_templates.config.tables.health import HealthCheckTable
from cicd_templates.layer.outputs import MetricName, TopicArn

MINUTE = 60
# With few requests, a single error or a single slow response does not show a problem.
FEWEST_ERRORS = 2
FEWEST_REQUESTS = 20
# The time that ECS needs to replace a task, from its last failed check to the first check of the next task.
REPLACEMENT_SECONDS = 90


class TargetGroupMetrics(NamedTuple):
    """The names of a service's load balancer and of its two target groups in CloudWatch metrics."""

    balancer: MetricName
    groups: tuple[MetricName, MetricName]

    def metrics(self, name: str, statistic: str) -> list[Metric]:
        """Return, for each target group of the service, the metric `name` with one value per minute."""
        return [
            Metric("AWS/ApplicationELB", name, {"LoadBalancer": self.balancer, "TargetGroup": group}, statistic, MINUTE)
            for group in self.groups
        ]


def response_alarms(
    monitored: MonitoredService, target_groups: TargetGroupMetrics, tell: Sequence[TopicArn]
) -> list[cloudwatch.Alarm]:
    """Return the alarms on errors, latency and unhealthy targets of a web service. Each alarm rolls a release back.

    The alarm on errors calculates the error rate of each target group, and uses the higher rate. A single rate of both
    target groups would hide the errors of a canary, because the old release gets many more requests than the canary.

    No alarm depends on the newest minute, because the load balancer's values arrive minutes late.
    """
    limits = monitored.service.settings.alarms
    errors = _numbered("e", target_groups.metrics("HTTPCode_Target_5XX_Count", "Sum"))
    # Connections that a task refused. The load balancer then sends an error to the client.
    refused = _numbered("c", target_groups.metrics("TargetConnectionErrorCount", "Sum"))
    requests = _numbered("r", target_groups.metrics("RequestCount", "Sum"))
    wrong = _worse_side("IF({e} + {c} > {few}, 100 * ({e} + {c}) / ({r} + {c}), 0)")
    late = _worse_side("IF({r} > {some}, {p}, 0)")
    unwell = _numbered("u", target_groups.metrics("UnHealthyHostCount", "Maximum"))
    return [
        _computed(
            "ErrorsAlarm", monitored, "errors",
            f"More than {limits.error_percent:g} % of a target group's requests fail (5xx or no connection)",
            errors | refused | requests, wrong, limits.error_percent, tell, 4, 2,
        ),
        _computed(
            "LatencyAlarm", monitored, "latency",
            f"More than 1 % of the requests take longer than {limits.latency_seconds:g} s",
            _numbered("p", target_groups.metrics("TargetResponseTime", "p99")) | requests, late,
            limits.latency_seconds, tell, 5, 3,
        ),
        _computed(
            "UnhealthyAlarm", monitored, "unhealthy-hosts", "Tasks still fail their health check after the grace"
            " period",
            unwell, _worse_side("{u}"), 0, tell, *unhealthy_window(monitored.service.settings.health_check),
        ),
    ]  # fmt: skip


def start_alarms(monitored: MonitoredService, tell: Sequence[TopicArn]) -> list[cloudwatch.Alarm]:
    """Return the alarms on tasks that fail to start or that soon stop. Each of these alarms rolls a release back.

    A task that fails to start receives no requests and is not registered as a target, so only events report the
    failure. For a worker, these alarms are the only test of a release: ECS counts a worker's task as healthy as soon as
    it runs, even if its process ends soon afterwards.
    """
    return [
        m_of_n_alarm(
            alarm(
                "NotStartingAlarm", monitored.env, [monitored.service.name, "not-starting"],
                "Tasks stopped by themselves in at least 3 of the last 10 minutes",
                _events(monitored, TASK_ENDED, MINUTE), above=0, tell=tell, periods=10,
            ), 3,
        ),
        # After each failed start, ECS waits longer before the next attempt. Failures then become too rare for the alarm
        # above, but ECS reports that starts are impaired:
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html
        late_data_alarm(
            alarm(
                "StartImpairedAlarm", monitored.env, [monitored.service.name, "start-impaired"],
                "ECS cannot start tasks", _events(monitored, START_IMPAIRED, MINUTE), above=0, tell=tell,
            ), 5,
        ),
    ]  # fmt: skip


def unhealthy_window(check: HealthCheckTable) -> tuple[int, int]:
    """Return two numbers of minutes for the alarm on unhealthy targets: a larger and a smaller number.

    The larger number says how many of the last minutes the alarm evaluates. The smaller number says in how many of
    these minutes a target must be unhealthy before the alarm fires.

    - One slow start must not trigger the alarm. During the grace period, ECS ignores failed health checks, but the load
      balancer counts the task as unhealthy.
    - Three failed starts must trigger the alarm, because ECS keeps replacing a task that never becomes healthy.
    """
    detected = check.interval_seconds * check.unhealthy_threshold
    slow_start = math.ceil(max(0, check.grace_seconds - detected) / MINUTE) + 1
    replacement = math.ceil((max(check.grace_seconds, detected) + REPLACEMENT_SECONDS) / MINUTE)
    return 3 * replacement, slow_start + 1


def task_alarms(monitored: MonitoredService, developers: TopicArn, operations: TopicArn) -> list[cloudwatch.Alarm]:
    """Return the alarms on missing or stopped tasks, failed deployments, and high CPU and memory use."""
    env, service = monitored.env, monitored.service
    limits = service.settings.alarms
    running = running_tasks(env, service)
    wanted = running_tasks(env, service, "DesiredTaskCount")
    of_the_service = {"ClusterName": cluster_name(env), "ServiceName": service_name(env, service.name)}
    both = [developers, operations]
    use = [
        ("CpuAlarm", "cpu", "CPUUtilization", limits.cpu_percent),
        ("MemoryAlarm", "memory", "MemoryUtilization", limits.memory_percent),
    ]
    # ECS reports a failed deployment only if the circuit breaker is on. The rollback of the stack is always reported.
    failed = {"ecs": _events(monitored, DEPLOYMENT_FAILED), "stack": _events(monitored, ROLLED_BACK)}
    return [
        _computed(
            "TooFewTasksAlarm", monitored, "too-few-tasks", "Fewer tasks are running than desired",
            {"wanted": wanted, "running": running}, "wanted - running", 0, [operations], 5,
        ),
        *(
            alarm(
                logical_id, env, [service.name, word], f"The service uses more than {limit} % of its {word}",
                Metric("AWS/ECS", metric, of_the_service, "Average", MINUTE), above=limit, tell=[operations], periods=5,
            )
            for logical_id, word, metric, limit in use
        ),
        alarm(
            "RestartsAlarm", env, [service.name, "restarts"],
            f"More than {limits.restarts} tasks stopped by themselves within five minutes",
            _events(monitored, TASK_ENDED), above=limits.restarts, tell=both,
        ),
        _computed(
            "DeploymentFailedAlarm", monitored, "deployment-failed", "A deployment failed",
            failed, "FILL(ecs, 0) + FILL(stack, 0)", 0, both, 3, 1,
        ),
    ]  # fmt: skip


def no_tasks_alarm(monitored: MonitoredService, tell: Sequence[TopicArn]) -> cloudwatch.Alarm:
    """Return the alarm on a worker without a running task. A worker has no clients that could notice the failure.

    A service without a running task sends no metrics at all, so missing data counts as a breach:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
    """
    metrics = {
        "wanted": running_tasks(monitored.env, monitored.service, "DesiredTaskCount"),
        "running": running_tasks(monitored.env, monitored.service),
    }
    expression = "IF(wanted > 0 AND running < 1, 1, 0)"
    base = _computed("NoTasksAlarm", monitored, "no-tasks", "No task is running", metrics, expression, 0, tell, 5)
    base.TreatMissingData = "breaching"
    return base


def _events(monitored: MonitoredService, rule: str, period: int = 5 * MINUTE) -> Metric:
    """Return the metric for the number of events that matched an EventBridge rule.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
    """
    return Metric("AWS/Events", "TriggeredRules", {"RuleName": monitored.rule_name(rule)}, "Sum", period)


def _computed(
    logical_id: str,
    monitored: MonitoredService,
    word: str,
    description: str,
    metrics: Mapping[str, Metric],
    expression: str,
    above: float,
    tell: Sequence[TopicArn],
    periods: int,
    datapoints: int | None = None,
) -> cloudwatch.Alarm:
    words = [monitored.service.name, word]
    return computed_alarm(
        logical_id,
        monitored.env,
        words,
        description,
        metrics,
        expression,
        above=above,
        tell=tell,
        periods=periods,
        datapoints=datapoints,
    )


def _numbered(letter: str, metrics: Sequence[Metric]) -> dict[str, Metric]:
    return {f"{letter}{number}": metric for number, metric in enumerate(metrics, start=1)}


def _worse_side(side_expression: str) -> str:
    """Return metric math for the larger of two values: `side_expression` for the first and the second target group.

    `side_expression` has placeholders for metrics: `{e}` becomes `FILL(e1, 0)` for the first target group and
    `FILL(e2, 0)` for the second target group.
    """
    sides = [
        re.sub(r"\{([a-z])\}", rf"FILL(\g<1>{number}, 0)", side_expression).format(
            few=FEWEST_ERRORS, some=FEWEST_REQUESTS
        )
        for number in (1, 2)
    ]
    return f"MAX([{', '.join(sides)}])"
