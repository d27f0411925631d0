"""Creates dashboards: one for a pipeline, with the four DORA metrics, and one for a running web service or worker.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cicd_templates.blocks.alarms import METRIC_NAMESPACE
from cicd_templates.blocks.service_alarms import TargetGroupMetrics
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import cluster_name, service_name
from cicd_templates.layer.outputs import MetricName, sub_fragment

HALF, QUARTER, HEIGHT = 12, 6, 6
DAY = 86400


def pipeline_dashboard(region: str, pipeline: str, projects: Mapping[str, str]) -> str:
    """Return the dashboard of a pipeline as JSON. `projects` maps labels in graphs to CodeBuild projects."""

    def ours(name: str, **options: Any) -> list[Any]:
        return [METRIC_NAMESPACE, name, "PipelineName", pipeline, options]

    failures = ["AWS/CodePipeline", "FailedPipelineExecutions", "PipelineName", pipeline, {"stat": "Sum"}]
    durations = [
        ["AWS/CodeBuild", "Duration", "ProjectName", project, {"label": word}] for word, project in projects.items()
    ]
    rate = [
        [{"expression": "100 * failed / (failed + succeeded)", "label": "Failed runs, %", "id": "rate"}],
        ours("RunFailed", id="failed", visible=False, stat="Sum"),
        ours("RunSucceeded", id="succeeded", visible=False, stat="Sum"),
    ]
    rows = [
        (
            HALF,
            "Health: failed runs, and the age of the oldest run in progress",
            300,
            [failures, ours("OldestRunSeconds")],
        ),
        (HALF, "Release to verdict, seconds (budget 300)", 300, [ours("CommitToVerdictSeconds")]),
        (2 * HALF, "Duration of each build, seconds (budget 300)", 300, durations),
        (QUARTER, "Deployment frequency: releases a day", DAY, [ours("RunSucceeded", stat="Sum")]),
        (QUARTER, "Lead time: from release to end of run, seconds", DAY, [ours("LeadTimeSeconds", stat="p50")]),
        (QUARTER, "Change failure rate", DAY, rate),
        (
            QUARTER,
            "Time to restore: from the first failed run to the next successful run",
            DAY,
            [ours("RecoverySeconds", stat="p50")],
        ),
    ]
    return dashboard_body(region, rows)


def service_dashboard(env: Environment, service: Service, target_groups: TargetGroupMetrics) -> str:
    """Return the dashboard of a web service as text for `Fn::Sub`.

    AWS chooses the load balancer's name, so `Fn::Sub` inserts it.
    """
    count = {"stat": "Sum"}

    def both(name: str, label: str, **options: Any) -> list[Any]:
        series = []
        for side, metric in zip(("primary", "alternate"), target_groups.metrics(name, "Sum"), strict=True):
            dimensions = [sub_fragment(part) for pair in metric.dimensions.items() for part in pair]
            series.append([metric.namespace, name, *dimensions, {"label": f"{label}, {side}", **options}])
        return series

    late = both("TargetResponseTime", "p99", stat="p99") + both("TargetResponseTime", "p50", stat="p50")
    rows = [
        (HALF, "Requests", 60, both("RequestCount", "requests", **count)),
        (HALF, "Errors (5xx)", 60, both("HTTPCode_Target_5XX_Count", "errors", **count)),
        (HALF, "Response time, seconds", 60, late),
        (HALF, "Unhealthy targets", 60, both("UnHealthyHostCount", "unhealthy", stat="Maximum")),
        *_task_rows(env, service),
    ]
    return dashboard_body(env.region, rows)


def worker_dashboard(env: Environment, service: Service, queues: Mapping[str, MetricName]) -> str:
    """Return the dashboard of a worker as text for `Fn::Sub`, which inserts the names of the SQS queues."""
    rows = []
    for name, queue in queues.items():
        dimension = [sub_fragment("QueueName"), sub_fragment(queue)]
        waiting = [
            ["AWS/SQS", "ApproximateNumberOfMessagesVisible", *dimension, {"label": "waiting"}],
            ["AWS/SQS", "ApproximateNumberOfMessagesNotVisible", *dimension, {"label": "in work"}],
        ]
        age = [["AWS/SQS", "ApproximateAgeOfOldestMessage", *dimension, {"label": "oldest"}]]
        rows += [(HALF, f"Messages of {name}", 60, waiting), (HALF, f"Oldest message of {name}, seconds", 60, age)]
    return dashboard_body(env.region, [*rows, *_task_rows(env, service)])


def _task_rows(env: Environment, service: Service) -> list[tuple[int, str, int, list[Any]]]:
    def tasks(namespace: str, name: str, label: str) -> list[Any]:
        dimensions = ["ClusterName", cluster_name(env), "ServiceName", service_name(env, service.name)]
        return [namespace, name, *dimensions, {"label": label, "stat": "Average"}]

    running = [
        tasks("ECS/ContainerInsights", "RunningTaskCount", "running"),
        tasks("ECS/ContainerInsights", "DesiredTaskCount", "desired"),
    ]
    use = [tasks("AWS/ECS", "CPUUtilization", "CPU"), tasks("AWS/ECS", "MemoryUtilization", "memory")]
    return [(HALF, "Tasks", 60, running), (HALF, "CPU and memory of the tasks, %", 60, use)]


def dashboard_body(region: str, rows: Sequence[tuple[int, str, int, list[Any]]]) -> str:
    """Return a dashboard as JSON. Each item of `rows` is a graph: its width, title, period in seconds, and metrics."""
    return json.dumps({"widgets": list(_widgets(region, rows))}, indent=2)


def _widgets(region: str, rows: Sequence[tuple[int, str, int, list[Any]]]) -> Sequence[dict[str, Any]]:
    """Return the dashboard's widgets, placed from left to right in a grid of 24 columns."""
    placed, column, line = [], 0, 0
    for width, title, period, metrics in rows:
        if column + width > 2 * HALF:
            column, line = 0, line + HEIGHT
        placed.append(
            {
                "type": "metric",
                "x": column,
                "y": line,
                "width": width,
                "height": HEIGHT,
                "properties": {
                    "title": title,
                    "region": region,
                    "view": "timeSeries",
                    "stat": "Maximum",
                    "period": period,
                    "metrics": metrics,
                },
            }
        )
        column += width
    return placed
