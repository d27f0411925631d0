"""When a service is not well: its answers, its targets, its tasks and what they use.

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

from cicd_templates.blocks.alarms import Metric, alarm, computed_alarm, in_some_of
from cicd_templates.blocks.event_rules import Subject
from cicd_templates.blocks.scaling import running_tasks
from cicd_templates.blocks.service_events import DEPLOYMENT_FAILED, ROLLED_BACK, TASK_ENDED
from cicd_templates.config.naming import cluster_name, service_name
from cicd_templates.layer.outputs import MetricName, TopicArn

MINUTE = 60
# One wrong answer of few, or one late one, is no sign of anything.
FEWEST_ERRORS = 2
FEWEST_REQUESTS = 20


@dataclass(frozen=True)
class Sides:
    """The load balancer and the two target groups of a service, as CloudWatch names them."""

    balancer: MetricName
    groups: tuple[MetricName, MetricName]

    def metrics(self, name: str, statistic: str) -> list[Metric]:
        """A metric of each target group, by the minute."""
        return [
            Metric("AWS/ApplicationELB", name, {"LoadBalancer": self.balancer, "TargetGroup": group}, statistic, MINUTE)
            for group in self.groups
        ]


def rollback_alarms(subject: Subject, sides: Sides, tell: Sequence[TopicArn]) -> list[cloudwatch.Alarm]:
    """What takes a release back: wrong answers, late ones, targets that are not well, and tasks that do not start.

    Rates are those of the worse side, so that the small share of a canary is not lost in the other's. What does not
    start gets no request and is no target, so only its ending tells of it.
    """
    limits = subject.service.settings.alarms
    errors = _named("e", sides.metrics("HTTPCode_Target_5XX_Count", "Sum"))
    # A connection that a task does not take, which is an error of the load balancer's towards the client.
    refused = _named("c", sides.metrics("TargetConnectionErrorCount", "Sum"))
    requests = _named("r", sides.metrics("RequestCount", "Sum"))
    wrong = _worse("IF({e} + {c} > {few}, 100 * ({e} + {c}) / ({r} + {c}), 0)")
    late = _worse("IF({r} > {some}, {p}, 0)")
    unwell = _named("u", sides.metrics("UnHealthyHostCount", "Maximum"))
    return [
        _computed(
            "ErrorsAlarm", subject, "errors",
            f"More than {limits.error_percent:g} % of the answers of a side are errors (5xx), or not given",
            errors | refused | requests, wrong, limits.error_percent, tell, 2,
        ),
        _computed(
            "LatencyAlarm", subject, "latency",
            f"More than one request of a hundred takes longer than {limits.latency_seconds:g} s",
            _named("p", sides.metrics("TargetResponseTime", "p99")) | requests, late,
            limits.latency_seconds, tell, 3,
        ),
        # A task that does not pass its check is ended soon, and the next one begins: some minutes of five are enough.
        in_some_of(
            _computed(
                "UnhealthyAlarm", subject, "unhealthy-hosts", "A task does not pass its health check",
                unwell, _worse("{u}"), 0, tell, 5,
            ), 2,
        ),
        in_some_of(
            alarm(
                "NotStartingAlarm", subject.env, [subject.service.name, "not-starting"],
                "Tasks end by themselves, minute after minute", _events(subject, TASK_ENDED, MINUTE),
                above=0, tell=tell, periods=5,
            ), 3,
        ),
    ]  # fmt: skip


def task_alarms(subject: Subject, developers: TopicArn, operations: TopicArn) -> list[cloudwatch.Alarm]:
    """What runs: fewer tasks than wanted, use, tasks that end by themselves, and deployments that failed."""
    env, service = subject.env, subject.service
    limits = service.settings.alarms
    running = running_tasks(env, service)
    wanted = running_tasks(env, service, "DesiredTaskCount")
    of_the_service = {"ClusterName": cluster_name(env), "ServiceName": service_name(env, service.name)}
    both = [developers, operations]
    use = [
        ("CpuAlarm", "cpu", "CPUUtilization", limits.cpu_percent),
        ("MemoryAlarm", "memory", "MemoryUtilization", limits.memory_percent),
    ]
    # ECS tells of a failed deployment where it has a circuit breaker; the stack's rollback tells of it in any case.
    failed = {"ecs": _events(subject, DEPLOYMENT_FAILED), "stack": _events(subject, ROLLED_BACK)}
    return [
        _computed(
            "TooFewTasksAlarm", subject, "too-few-tasks", "Fewer tasks run than should",
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
            f"More than {limits.restarts} tasks ended by themselves within five minutes",
            _events(subject, TASK_ENDED), above=limits.restarts, tell=both,
        ),
        _computed(
            "DeploymentFailedAlarm", subject, "deployment-failed", "A deployment failed",
            failed, "FILL(ecs, 0) + FILL(stack, 0)", 0, both, 1,
        ),
    ]  # fmt: skip


def _events(subject: Subject, rule: str, period: int = 5 * MINUTE) -> Metric:
    """How often a rule was met: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html"""
    return Metric("AWS/Events", "TriggeredRules", {"RuleName": subject.rule_name(rule)}, "Sum", period)


def _computed(
    logical_id: str,
    subject: Subject,
    word: str,
    description: str,
    metrics: Mapping[str, Metric],
    expression: str,
    above: float,
    tell: Sequence[TopicArn],
    periods: int,
) -> cloudwatch.Alarm:
    words = [subject.service.name, word]
    return computed_alarm(
        logical_id, subject.env, words, description, metrics, expression, above=above, tell=tell, periods=periods
    )


def _named(letter: str, metrics: Sequence[Metric]) -> dict[str, Metric]:
    return {f"{letter}{number}": metric for number, metric in enumerate(metrics, start=1)}


def _worse(of_a_side: str) -> str:
    """The larger of what an expression is for each side; `{x}` in it is the side's metric of that letter."""
    sides = [
        re.sub(r"\{([a-z])\}", rf"FILL(\g<1>{number}, 0)", of_a_side).format(few=FEWEST_ERRORS, some=FEWEST_REQUESTS)
        for number in (1, 2)
    ]
    return f"MAX([{', '.join(sides)}])"
