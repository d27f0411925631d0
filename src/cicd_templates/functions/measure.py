"""Measures what an event of a pipeline has ended: the way to a verdict, or a whole run.

For the gate's decision `CommitToVerdictSeconds`; for a run that succeeded `RunSucceeded`, `LeadTimeSeconds` and, where
runs before it had failed, `RecoverySeconds` since the end of the first of that row; for one that failed `RunFailed`,
and for one with which a stage went back `RunRolledBack`, which counts for none of the others.
A release starts its run within seconds, so times count from the start of the run. The metrics go out through the log
in CloudWatch's embedded format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

GATE_EVENT = "CodePipeline Action Execution State Change"
RUN_EVENT = "CodePipeline Pipeline Execution State Change"


def handler(event: dict[str, Any], context: object) -> None:
    """Print one line of metrics. Raises for an event that the rule should not have sent, and for an unknown run."""
    import boto3

    detail = event["detail"]
    at = datetime.fromisoformat(event["time"].replace("Z", "+00:00")).astimezone(UTC)
    runs = _until(boto3.client("codepipeline"), detail["pipeline"], detail["execution-id"])
    print(_metrics(detail["pipeline"], at, measured(event["detail-type"], detail["state"], at, runs)))


def measured(kind: str, state: str, at: datetime, runs: list[dict[str, Any]]) -> dict[str, float]:
    """The metrics of an event at `at`, about the first of `runs`; the others are those before it, newest first."""
    run, *before = runs
    seconds = (at - run["startTime"]).total_seconds()
    if kind == GATE_EVENT:
        return {"CommitToVerdictSeconds": seconds}
    if kind != RUN_EVENT or state not in ("SUCCEEDED", "FAILED"):
        raise ValueError(f"nothing is measured of {kind!r} in state {state!r}")
    if run.get("executionType") == "ROLLBACK":
        # A stage that goes back is a run of its own, and no release.
        return {"RunRolledBack": 1.0}
    if state == "FAILED":
        return {"RunFailed": 1.0}
    values = {"RunSucceeded": 1.0, "LeadTimeSeconds": seconds}
    failed = _unbroken_failures(before)
    if failed:
        values["RecoverySeconds"] = (at - failed[-1]["lastUpdateTime"]).total_seconds()
    return values


def _unbroken_failures(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The failed runs since the last success; one that was superseded or stopped is neither."""
    failed = []
    for run in runs:
        if run.get("executionType") == "ROLLBACK":
            continue
        if run["status"] == "Succeeded":
            break
        if run["status"] == "Failed":
            failed.append(run)
    return failed


def _until(client: Any, pipeline: str, execution: str) -> list[dict[str, Any]]:
    """The run `execution` and the runs before it, newest first, as far back as the page that it is found on goes."""
    for page in client.get_paginator("list_pipeline_executions").paginate(pipelineName=pipeline):
        runs: list[dict[str, Any]] = page["pipelineExecutionSummaries"]
        for number, run in enumerate(runs):
            if run["pipelineExecutionId"] == execution:
                return runs[number:]
    raise LookupError(f"{pipeline} has no run {execution}")


def _metrics(pipeline: str, at: datetime, values: dict[str, float]) -> str:
    declared = {
        "Namespace": os.environ["NAMESPACE"],
        "Dimensions": [["PipelineName"]],
        "Metrics": [{"Name": name, "Unit": "Seconds" if "Seconds" in name else "Count"} for name in values],
    }
    about = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [declared]}
    return json.dumps({"_aws": about, "PipelineName": pipeline, **values})
