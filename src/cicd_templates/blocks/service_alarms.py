"""Alarms of a running service: responses, target health, task counts, CPU and memory.

Every measure of the load balancer is taken over both target groups: a rollout leaves one of them without tasks, and
then without values, which count as nothing.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from troposphere import cloudwatch

from cicd_templates.blocks.alarms import Metric, alarm, computed_alarm, m_of_n_alarm
from cicd_templates.blocks.event_rules import MonitoredService
from cicd_templates.blocks.scaling import running_tasks
from cicd_templates.blocks.service_events import DEPLOYMENT_FAILED, ROLLED_BACK, TASK_ENDED
from cicd_templates.config.naming import cluster_name, service_name
from cicd_templates.layer.outputs import MetricName, TopicArn

MINUTE = 60
# A single error or a single slow response among few requests is no sign of a problem.
FEWEST_ERRORS = 2
FEWEST_REQUESTS = 20


@dataclass(frozen=True)
class TargetGroupMetrics:
    """The load balancer and the two target groups of a service, as CloudWatch names them."""

    balancer: MetricName
    groups: tuple[MetricName, MetricName]

    def metrics(self, name: str, statistic: str) -> list[Metric]:
        """Return a metric of each target group, by the minute."""
        return [
            Metric("AWS/ApplicationELB", name, {"LoadBalancer": self.balancer, "TargetGroup": group}, statistic, MINUTE)
            for group in self.groups
        ]


def rollback_alarms(
    monitored: MonitoredService, target_groups: TargetGroupMetrics, tell: Sequence[TopicArn]
) -> list[cloudwatch.Alarm]:
    """Return the alarms that roll a release back: errors, latency, unhealthy targets and tasks that fail to start.

    Rates are those of the worse side, so that the small share of a canary is not lost in the other's. What does not
    start gets no request and is no target, so only its ending tells of it.
    """
    limits = monitored.service.settings.alarms
    errors = _numbered("e", target_groups.metrics("HTTPCode_Target_5XX_Count", "Sum"))
    # A connection that a task refuses; the client gets an error from the load balancer.
    refused = _numbered("c", target_groups.metrics("TargetConnectionErrorCount", "Sum"))
    requests = _numbered("r", target_groups.metrics("RequestCount", "Sum"))
    wrong = _worse_side("IF({e} + {c} > {few}, 100 * ({e} + {c}) / ({r} + {c}), 0)")
    late = _worse_side("IF({r} > {some}, {p}, 0)")
    unwell = _numbered("u", target_groups.metrics("UnHealthyHostCount", "Maximum"))
    return [
        _computed(
            "ErrorsAlarm", monitored, "errors",
            f"More than {limits.error_percent:g} % of a target group's requests fail (5xx or no connection)",
            errors | refused | requests, wrong, limits.error_percent, tell, 2,
        ),
        _computed(
            "LatencyAlarm", monitored, "latency",
            f"More than 1 % of the requests take longer than {limits.latency_seconds:g} s",
            _numbered("p", target_groups.metrics("TargetResponseTime", "p99")) | requests, late,
            limits.latency_seconds, tell, 3,
        ),
        # ECS soon replaces a task that fails its check, so two minutes of five are enough.
        m_of_n_alarm(
            _computed(
                "UnhealthyAlarm", monitored, "unhealthy-hosts", "A task fails its health check",
                unwell, _worse_side("{u}"), 0, tell, 5,
            ), 2,
        ),
        m_of_n_alarm(
            alarm(
                "NotStartingAlarm", monitored.env, [monitored.service.name, "not-starting"],
                "Tasks stop by themselves, minute after minute", _events(monitored, TASK_ENDED, MINUTE),
                above=0, tell=tell, periods=5,
            ), 3,
        ),
    ]  # fmt: skip


def task_alarms(monitored: MonitoredService, developers: TopicArn, operations: TopicArn) -> list[cloudwatch.Alarm]:
    """Return the alarms on missing tasks, CPU and memory, tasks that stopped by themselves and failed deployments."""
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
    # ECS reports a failed deployment only with a circuit breaker; the stack's rollback shows it in any case.
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
            failed, "FILL(ecs, 0) + FILL(stack, 0)", 0, both, 1,
        ),
    ]  # fmt: skip


def _events(monitored: MonitoredService, rule: str, period: int = 5 * MINUTE) -> Metric:
    """Return the count of a rule's matches: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html"""
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
) -> cloudwatch.Alarm:
    words = [monitored.service.name, word]
    return computed_alarm(
        logical_id, monitored.env, words, description, metrics, expression, above=above, tell=tell, periods=periods
    )


def _numbered(letter: str, metrics: Sequence[Metric]) -> dict[str, Metric]:
    return {f"{letter}{number}": metric for number, metric in enumerate(metrics, start=1)}


def _worse_side(side_expression: str) -> str:
    """Return the expression for the worse of both groups; `{x}` in it stands for a group's metric of that letter."""
    sides = [
        re.sub(r"\{([a-z])\}", rf"FILL(\g<1>{number}, 0)", side_expression).format(
            few=FEWEST_ERRORS, some=FEWEST_REQUESTS
        )
        for number in (1, 2)
    ]
    return f"MAX([{', '.join(sides)}])"
