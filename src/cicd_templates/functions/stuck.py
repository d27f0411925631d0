"""Measures how long the oldest run of a pipeline has not moved, on a schedule.

The age of a run is the time since it last moved: since it started, or since its last action began or ended. A run
that waits for an approval, or for a stage that another run holds, is not stuck and has age 0. The metrics
`OldestRunSeconds` and `RunsInProgress` go out through the log in CloudWatch's embedded format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

RUNNING = ("InProgress", "Stopping")
# Runs are listed newest first; one that is this many pages back is not the one that holds the others up.
PAGES = 5


def handler(event: dict[str, Any], context: object) -> None:
    """Print one line of metrics. Errors are raised: this function's own alarm tells of them."""
    import boto3

    client, pipeline = boto3.client("codepipeline"), os.environ["PIPELINE"]
    now = datetime.now(UTC)
    ages = [age(list(_actions(client, pipeline, run)), run["startTime"], now) for run in _runs(client, pipeline)]
    print(_metrics(pipeline, now, {"OldestRunSeconds": max(ages, default=0.0), "RunsInProgress": float(len(ages))}))


def age(actions: list[dict[str, Any]], started: datetime, now: datetime) -> float:
    """Seconds since a run last moved; 0 where it waits for a person or for another run."""
    active = [action for action in actions if action["status"] == "InProgress"]
    if any(action["input"]["actionTypeId"]["category"] == "Approval" for action in active):
        return 0.0
    if actions and not active:
        # Nothing of it is at work although it has begun: the next stage is another run's.
        return 0.0
    moved = [started, *(action["startTime"] for action in active)]
    moved += [action["lastUpdateTime"] for action in actions if action["status"] != "InProgress"]
    return float((now - max(moved)).total_seconds())


def _runs(client: Any, pipeline: str) -> Any:
    pages = client.get_paginator("list_pipeline_executions").paginate(pipelineName=pipeline)
    for _, page in zip(range(PAGES), pages):  # noqa: B905 - the shorter of the two is meant
        for run in page["pipelineExecutionSummaries"]:
            if run["status"] in RUNNING:
                yield run


def _actions(client: Any, pipeline: str, run: dict[str, Any]) -> Any:
    pages = client.get_paginator("list_action_executions").paginate(
        pipelineName=pipeline, filter={"pipelineExecutionId": run["pipelineExecutionId"]}
    )
    for page in pages:
        yield from page["actionExecutionDetails"]


def _metrics(pipeline: str, now: datetime, values: dict[str, float]) -> str:
    declared = {
        "Namespace": os.environ["NAMESPACE"],
        "Dimensions": [["PipelineName"]],
        "Metrics": [{"Name": name, "Unit": "Seconds" if "Seconds" in name else "Count"} for name in values],
    }
    about = {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [declared]}
    return json.dumps({"_aws": about, "PipelineName": pipeline, **values})
