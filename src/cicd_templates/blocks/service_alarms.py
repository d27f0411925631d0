"""When a service is not well: its answers, its targets, its tasks and what they use.

Every measure of the load balancer is taken over both target groups: a rollout leaves one of them without tasks, and
then without values, which count as nothing.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from troposphere import cloudwatch

from cicd_templates.blocks.alarms import Metric, alarm, computed_alarm
from cicd_templates.blocks.rules import Subject
from cicd_templates.blocks.scaling import running_tasks
from cicd_templates.blocks.service_events import DEPLOYMENT_FAILED, TASK_ENDED
from cicd_templates.naming import cluster_name, service_name
from cicd_templates.outputs import MetricName, TopicArn

MINUTE = 60
# One wrong answer of few is no sign of anything.
FEWEST_ERRORS = 2


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


def answer_alarms(subject: Subject, sides: Sides, tell: Sequence[TopicArn]) -> list[cloudwatch.Alarm]:
    """What clients notice: wrong answers, late ones, and targets that are not well. These may take a release back."""
    limits = subject.service.settings.alarms
    errors = _named("e", sides.metrics("HTTPCode_Target_5XX_Count", "Sum"))
    requests = _named("r", sides.metrics("RequestCount", "Sum"))
    wrong = f"100 * ({_sum(errors)}) / ({_sum(requests)})"
    return [
        _computed(
            "ErrorsAlarm", subject, "errors", f"More than {limits.error_percent:g} % of the answers are errors (5xx)",
            errors | requests, f"IF({_sum(errors)} > {FEWEST_ERRORS}, {wrong}, 0)", limits.error_percent, tell, 2,
        ),
        _computed(
            "LatencyAlarm", subject, "latency",
            f"More than one request of a hundred takes longer than {limits.latency_seconds:g} s",
            late := _named("p", sides.metrics("TargetResponseTime", "p99")), _most(late),
            limits.latency_seconds, tell, 3,
        ),
        _computed(
            "UnhealthyAlarm", subject, "unhealthy-hosts", "A task does not pass its health check",
            unwell := _named("u", sides.metrics("UnHealthyHostCount", "Maximum")), _most(unwell), 0, tell, 3,
        ),
    ]  # fmt: skip


def task_alarms(subject: Subject, developers: TopicArn, operations: TopicArn) -> list[cloudwatch.Alarm]:
    """What runs: fewer tasks than wanted, use, tasks that end by themselves, and deployments that failed."""
    env, service = subject.env, subject.service
    limits = service.settings.alarms
    running = running_tasks(env, service)
    wanted = running_tasks(env, service, "DesiredTaskCount")
    of_the_service = {"ClusterName": cluster_name(env), "ServiceName": service_name(env, service.name)}
    use = [
        ("CpuAlarm", "cpu", "CPUUtilization", limits.cpu_percent),
        ("MemoryAlarm", "memory", "MemoryUtilization", limits.memory_percent),
    ]
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
        _counted("RestartsAlarm", subject, "restarts", f"More than {limits.restarts} tasks ended by themselves",
                 TASK_ENDED, limits.restarts, [developers, operations]),
        _counted("DeploymentFailedAlarm", subject, "deployment-failed", "A deployment failed",
                 DEPLOYMENT_FAILED, 0, [developers, operations]),
    ]  # fmt: skip


def _counted(
    logical_id: str, subject: Subject, word: str, description: str, rule: str, above: float, tell: Sequence[TopicArn]
) -> cloudwatch.Alarm:
    """An alarm on how often a rule was met in five minutes.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
    """
    metric = Metric("AWS/Events", "TriggeredRules", {"RuleName": subject.rule_name(rule)}, "Sum", 5 * MINUTE)
    return alarm(logical_id, subject.env, [subject.service.name, word], description, metric, above=above, tell=tell)


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


def _sum(names: Mapping[str, Metric]) -> str:
    return " + ".join(f"FILL({name}, 0)" for name in names)


def _most(names: Mapping[str, Metric]) -> str:
    return f"MAX([{', '.join(f'FILL({name}, 0)' for name in names)}])"
