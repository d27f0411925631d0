"""The dashboard of a pipeline: its health, how long its parts take, and the four measures of delivery (DORA).

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cicd_templates.blocks.alarms import NAMESPACE

HALF, THIRD, QUARTER, HEIGHT = 12, 8, 6, 6
DAY = 86400


def dashboard_body(region: str, pipeline: str, projects: Mapping[str, str]) -> str:
    """The body as JSON; `projects` are CodeBuild projects by the word that people know them by."""

    def ours(name: str, **options: Any) -> list[Any]:
        return [NAMESPACE, name, "PipelineName", pipeline, options]

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
        (HALF, "Health: failed runs, and the age of the oldest that moves", 300, [failures, ours("OldestRunSeconds")]),
        (HALF, "Release to verdict, seconds (budget 300)", 300, [ours("CommitToVerdictSeconds")]),
        (2 * HALF, "Duration of each build, seconds (budget 300)", 300, durations),
        (QUARTER, "Deployment frequency: releases a day", DAY, [ours("RunSucceeded", stat="Sum")]),
        (QUARTER, "Lead time: release to the end of its path, seconds", DAY, [ours("LeadTimeSeconds", stat="p50")]),
        (QUARTER, "Change failure rate", DAY, rate),
        (QUARTER, "Time to restore: first failure to next success", DAY, [ours("RecoverySeconds", stat="p50")]),
    ]
    return json.dumps({"widgets": list(_placed(region, rows))}, indent=2)


def _placed(region: str, rows: Sequence[tuple[int, str, int, list[Any]]]) -> Sequence[dict[str, Any]]:
    """The widgets from left to right, in a grid of 24 columns."""
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
