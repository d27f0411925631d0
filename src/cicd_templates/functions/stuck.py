"""Publish, on a schedule, how long pipeline runs have made no progress.

The idle time of a run is the time since it started, or since its last action started or ended. A run that waits for an
approval, or for a stage that another run occupies, is not stuck: its idle time is 0. The metrics `OldestRunSeconds`
(the longest idle time) and `RunsInProgress` are written to the log in CloudWatch's embedded metric format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

RUNNING = ("InProgress", "Stopping")
# Runs are listed newest first. Runs beyond this number of pages are too old to block newer runs.
PAGES = 5


def handler(event: dict[str, Any], context: object) -> None:
    """Print the metrics. If this raises an error, Lambda counts the error, and an alarm reports it."""
    import boto3

    client, pipeline = boto3.client("codepipeline"), os.environ["PIPELINE"]
    now = datetime.now(UTC)
    idle_times = [
        idle_seconds(list(_list_actions(client, pipeline, run)), run["startTime"], now)
        for run in _list_active_runs(client, pipeline)
    ]
    print(
        _metric_line(
            pipeline, now, {"OldestRunSeconds": max(idle_times, default=0.0), "RunsInProgress": float(len(idle_times))}
        )
    )


def idle_seconds(actions: list[dict[str, Any]], started: datetime, now: datetime) -> float:
    """Return the seconds since a run last made progress, or 0 if the run waits for an approval or for another run."""
    active = [action for action in actions if action["status"] == "InProgress"]
    if any(action["input"]["actionTypeId"]["category"] == "Approval" for action in active):
        return 0.0
    if actions and not active:
        # The run has started but no action is active: another run occupies the next stage.
        return 0.0
    moved = [started, *(action["startTime"] for action in active)]
    moved += [action["lastUpdateTime"] for action in actions if action["status"] != "InProgress"]
    return float((now - max(moved)).total_seconds())


def _list_active_runs(client: Any, pipeline: str) -> Any:
    pages = client.get_paginator("list_pipeline_executions").paginate(pipelineName=pipeline)
    for _, page in zip(range(PAGES), pages):  # noqa: B905 - stops at the shorter one
        for run in page["pipelineExecutionSummaries"]:
            if run["status"] in RUNNING:
                yield run


def _list_actions(client: Any, pipeline: str, run: dict[str, Any]) -> Any:
    pages = client.get_paginator("list_action_executions").paginate(
        pipelineName=pipeline, filter={"pipelineExecutionId": run["pipelineExecutionId"]}
    )
    for page in pages:
        yield from page["actionExecutionDetails"]


def _metric_line(pipeline: str, now: datetime, values: dict[str, float]) -> str:
    declared = {
        "Namespace": os.environ["NAMESPACE"],
        "Dimensions": [["PipelineName"]],
        "Metrics": [{"Name": name, "Unit": "Seconds" if "Seconds" in name else "Count"} for name in values],
    }
    about = {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [declared]}
    return json.dumps({"_aws": about, "PipelineName": pipeline, **values})
