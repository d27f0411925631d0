"""Scales a service on its use of CPU and memory, its requests, the messages in its queues, and a schedule.

The policy for requests adds up the metrics of the service's two target groups. So the policy works with every
deployment strategy.

A worker scales on its backlog per task, as AWS recommends, because the number of messages alone does not show how many
tasks are needed. CloudWatch computes the backlog per task with metric math, so no function has to publish a metric.
https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking-metric-math.html
https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from troposphere import applicationautoscaling as scaling
from troposphere import ecs

from cicd_templates.blocks.alarms import Metric
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import cluster_name, physical_name, service_name, title
from cicd_templates.config.tables.autoscaling import AutoscalingTable
from cicd_templates.layer.outputs import MetricName

DIMENSION = "ecs:service:DesiredCount"
SCALABLE_NAMESPACE = "ecs"
# A new task needs about a minute before it can handle requests. Scaling in is slow, because one task too many costs
# less than one too few.
OUT_SECONDS, IN_SECONDS = 60, 300
# The targets of a worker if its configuration sets no target.
MESSAGES_PER_TASK, WORKER_CPU_PERCENT = 100, 60


def scalable_target(
    logical_id: str, env: Environment, service: Service, settings: AutoscalingTable, of: ecs.Service
) -> scaling.ScalableTarget:
    """Return the scalable target, which sets the minimum and the maximum number of tasks of a service.

    AWS itself creates the service-linked role that autoscaling uses.
    """
    schedules = [
        scaling.ScheduledAction(
            ScheduledActionName=name,
            Schedule=f"cron({at.cron})",
            Timezone=env.settings.time_zone,
            ScalableTargetAction=scaling.ScalableTargetAction(MinCapacity=at.minimum, MaxCapacity=at.maximum),
        )
        for name, at in sorted(settings.schedules.items())
    ]
    target = scaling.ScalableTarget(
        logical_id,
        ServiceNamespace=SCALABLE_NAMESPACE,
        ScalableDimension=DIMENSION,
        ResourceId=f"service/{cluster_name(env)}/{service_name(env, service.name)}",
        MinCapacity=settings.minimum,
        MaxCapacity=settings.maximum,
        DependsOn=of.title,
    )
    if schedules:
        target.ScheduledActions = schedules
    return target


def scaling_policies(
    env: Environment,
    service: Service,
    settings: AutoscalingTable,
    target: scaling.ScalableTarget,
    requests: Sequence[Metric],
    queues: Mapping[str, MetricName],
) -> list[scaling.ScalingPolicy]:
    """Return one scaling policy for each target value in `settings`. For `messages_per_task`, return one per queue.

    - `requests` are the metrics that count the requests to each of the two target groups of a web service.
    - `queues` maps the configured names of a worker's queues to their names in CloudWatch metrics.

    If the policies demand different numbers of tasks, ECS runs the highest number.
    """
    cpu_percent, messages = settings.cpu_percent, settings.messages_per_task
    if not (service.settings.is_web or cpu_percent or settings.memory_percent or messages):
        cpu_percent, messages = (None, MESSAGES_PER_TASK) if queues else (WORKER_CPU_PERCENT, None)
    predefined = {
        "cpu": ("ECSServiceAverageCPUUtilization", cpu_percent),
        "memory": ("ECSServiceAverageMemoryUtilization", settings.memory_percent),
    }
    policies = [
        _policy(
            word,
            env,
            service,
            target,
            value,
            PredefinedMetricSpecification=scaling.PredefinedMetricSpecification(PredefinedMetricType=metric),
        )
        for word, (metric, value) in predefined.items()
        if value is not None
    ]
    if settings.requests_per_target is not None:
        # The predefined metric covers only one target group, but a rollout moves the requests to the other group.
        per_task = scaling.CustomizedMetricSpecification(Metrics=_requests_per_task(env, service, requests))
        policies.append(
            _policy(
                "requests",
                env,
                service,
                target,
                settings.requests_per_target,
                CustomizedMetricSpecification=per_task,
            )
        )
    if messages is not None:
        policies += [_backlog_policy(env, service, target, messages, name, queue) for name, queue in queues.items()]
    return policies


def _backlog_policy(
    env: Environment,
    service: Service,
    target: scaling.ScalableTarget,
    messages: int,
    name: str,
    queue: MetricName,
) -> scaling.ScalingPolicy:
    """Return the scaling policy for the messages of one queue."""
    # One policy for the sum of all queues would never scale out:
    # - The sum would have to count missing values as 0, because SQS reports nothing for a queue that was unused for six
    #   hours.
    # - The newest value of each queue is always missing, because values arrive late. So the newest sum would be 0.
    queries = [
        _query("messages", visible_messages(queue)),
        _query("tasks", running_tasks(env, service)),
        scaling.TargetTrackingMetricDataQuery(
            Id="backlog", Label=f"Messages of {name} for each task", Expression="messages / tasks", ReturnData=True
        ),
    ]
    per_task = scaling.CustomizedMetricSpecification(Metrics=queries)
    return _policy(f"{name}-backlog", env, service, target, messages, CustomizedMetricSpecification=per_task)


def visible_messages(queue: MetricName) -> Metric:
    """Return the metric for the number of waiting messages in an SQS queue. Received messages do not count.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    return Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": queue}, "Maximum", 60)


def running_tasks(env: Environment, service: Service, name: str = "RunningTaskCount") -> Metric:
    """Return the Container Insights metric `name` of an ECS service. The default is the number of running tasks.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
    """
    dimensions = {"ClusterName": cluster_name(env), "ServiceName": service_name(env, service.name)}
    return Metric("ECS/ContainerInsights", name, dimensions, "Average", 60)


def _requests_per_task(
    env: Environment, service: Service, requests: Sequence[Metric]
) -> list[scaling.TargetTrackingMetricDataQuery]:
    """Return metric queries that divide the number of requests to all target groups by the number of running tasks.

    A target group has no value for a minute without requests. If no target group has a value, the result has no value,
    and the service keeps its tasks:
    https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    """
    # Do not replace missing values with 0. Values arrive late, so the newest minute would always seem to have no
    # requests, and the service might never scale out.
    named = {f"r{number}": metric for number, metric in enumerate(requests)}
    total, *others = named
    for name in others:
        total = f"FILL({total} + {name}, FILL({total}, {name}))"
    queries = [_query(name, metric) for name, metric in named.items()]
    return [
        *queries,
        _query("tasks", running_tasks(env, service)),
        scaling.TargetTrackingMetricDataQuery(
            Id="requests", Label="Requests a minute of each task", Expression=f"{total} / tasks", ReturnData=True
        ),
    ]


def _query(name: str, metric: Metric) -> scaling.TargetTrackingMetricDataQuery:
    return scaling.TargetTrackingMetricDataQuery(
        Id=name,
        ReturnData=False,
        MetricStat=scaling.TargetTrackingMetricStat(
            Stat=metric.statistic,
            Metric=scaling.TargetTrackingMetric(
                Namespace=metric.namespace,
                MetricName=metric.name,
                Dimensions=[
                    scaling.TargetTrackingMetricDimension(Name=key, Value=value)
                    for key, value in metric.dimensions.items()
                ],
            ),
        ),
    )


def _policy(
    word: str,
    env: Environment,
    service: Service,
    target: scaling.ScalableTarget,
    value: int,
    **measure: Any,
) -> scaling.ScalingPolicy:
    return scaling.ScalingPolicy(
        f"{title(word)}Policy",
        PolicyName=physical_name(env, "AWS::ApplicationAutoScaling::ScalingPolicy", service.name, word),
        PolicyType="TargetTrackingScaling",
        ScalingTargetId=target.ref(),
        TargetTrackingScalingPolicyConfiguration=scaling.TargetTrackingScalingPolicyConfiguration(
            **measure, TargetValue=value, ScaleOutCooldown=OUT_SECONDS, ScaleInCooldown=IN_SECONDS
        ),
    )
