"""Publish delivery metrics of a pipeline each time its gate has decided and each time a run has ended.

- After the gate's decision: `CommitToVerdictSeconds`.
- After a successful run: `RunSucceeded` and `LeadTimeSeconds`.
- After a successful run that follows failed runs: also `RecoverySeconds`, the time since the first of these failures.
- After a failed run: `RunFailed`.
- After the rollback of a stage: `RunRolledBack`.

`CommitToVerdictSeconds` and `LeadTimeSeconds` are measured from the start of the pipeline run, not from the commit. The
run starts within seconds after somebody releases the commit. The metrics are written to the log in the embedded metric
format of CloudWatch:
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
    """Print the metrics of an event. Raise an error for an unexpected event or an unknown run."""
    import boto3

    detail = event["detail"]
    at = datetime.fromisoformat(event["time"].replace("Z", "+00:00")).astimezone(UTC)
    runs = _list_runs_until(boto3.client("codepipeline"), detail["pipeline"], detail["execution-id"])
    print(_metric_line(detail["pipeline"], at, event_metrics(event["detail-type"], detail["state"], at, runs)))


def event_metrics(kind: str, state: str, at: datetime, runs: list[dict[str, Any]]) -> dict[str, float]:
    """Return the metrics for an event. `at` is the time when it happened.

    The first item of `runs` is the run of the event. The other items are the earlier runs, newest first. Raises
    `ValueError` if no metric is defined for the event.
    """
    run, *earlier_runs = runs
    seconds = (at - run["startTime"]).total_seconds()
    if kind == GATE_EVENT:
        return {"CommitToVerdictSeconds": seconds}
    if kind != RUN_EVENT or state not in ("SUCCEEDED", "FAILED"):
        raise ValueError(f"no metric is defined for {kind!r} in state {state!r}")
    if run.get("executionType") == "ROLLBACK":
        # CodePipeline runs a stage rollback as an execution of its own, which is not a release.
        return {"RunRolledBack": 1.0}
    if state == "FAILED":
        return {"RunFailed": 1.0}
    values = {"RunSucceeded": 1.0, "LeadTimeSeconds": seconds}
    failed = _failures_since_success(earlier_runs)
    if failed:
        values["RecoverySeconds"] = (at - failed[-1]["lastUpdateTime"]).total_seconds()
    return values


def _failures_since_success(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the failed runs since the last successful run. `runs` has the newest run first.

    Rollbacks, and runs that were superseded or stopped, are left out.
    """
    failed = []
    for run in runs:
        if run.get("executionType") == "ROLLBACK":
            continue
        if run["status"] == "Succeeded":
            break
        if run["status"] == "Failed":
            failed.append(run)
    return failed


def _list_runs_until(client: Any, pipeline: str, execution: str) -> list[dict[str, Any]]:
    """Return the run with the id `execution`, followed by the older runs on the same page of CodePipeline's results.

    Raises `LookupError` if the pipeline has no such run.
    """
    for page in client.get_paginator("list_pipeline_executions").paginate(pipelineName=pipeline):
        runs: list[dict[str, Any]] = page["pipelineExecutionSummaries"]
        for number, run in enumerate(runs):
            if run["pipelineExecutionId"] == execution:
                return runs[number:]
    raise LookupError(f"{pipeline} has no run {execution}")


def _metric_line(pipeline: str, at: datetime, values: dict[str, float]) -> str:
    declared = {
        "Namespace": os.environ["NAMESPACE"],
        "Dimensions": [["PipelineName"]],
        "Metrics": [{"Name": name, "Unit": "Seconds" if "Seconds" in name else "Count"} for name in values],
    }
    about = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [declared]}
    return json.dumps({"_aws": about, "PipelineName": pipeline, **values})
