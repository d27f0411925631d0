"""Reports problems of a pipeline job: as a one-line message to CodePipeline, and as a metric that an alarm watches.

The metric is needed because Lambda's own metric `Errors` does not count failures that a function reports to
CodePipeline. The environment variable `NAMESPACE` is the namespace of the metric, and `PIPELINE` is the value of its
dimension.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

from cicd_templates.functions.pipeline_jobs import fail_job

FAILURE_LENGTH = 1000


def report_failure(pipeline: Any, job_id: str, metric: str, message: str) -> None:
    """Log the value 1 for a metric, and report to CodePipeline that the job failed. A long message is cut."""
    _log_metric(metric)
    fail_job(pipeline, job_id, one_line(message)[:FAILURE_LENGTH])


def _log_metric(metric: str) -> None:
    print(_metric_line({metric: 1}))


def log_problem(metric: str, message: str) -> dict[str, str]:
    """Log a message, and the value 1 for a metric. Return the action's output variable `Problem` with the message.

    Use this function for a problem that people must notice, but that must not fail the action. A long message is cut.
    """
    line = one_line(message)
    print(line)
    _log_metric(metric)
    return {"Problem": line[:FAILURE_LENGTH]}


def one_line(text: str) -> str:
    """Return `text` on one line, without control and format characters. They could change how the text is displayed."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def _metric_line(values: dict[str, int]) -> str:
    """Return a log line in CloudWatch's embedded metric format."""
    metrics = [{"Name": name, "Unit": "Count"} for name in values]
    declared = {"Namespace": os.environ["NAMESPACE"], "Dimensions": [["PipelineName"]], "Metrics": metrics}
    about = {"Timestamp": int(datetime.now(UTC).timestamp() * 1000), "CloudWatchMetrics": [declared]}
    return json.dumps({"_aws": about, "PipelineName": os.environ["PIPELINE"], **values})
