"""CodePipeline's history of a pipeline's runs, with AWS's names for the members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

BEGAN = datetime(2026, 11, 24, tzinfo=UTC)


def action(path: str, status: str = "Succeeded", second: int = 0, **variables: str) -> dict[str, Any]:
    """Return the execution of the action `<stage>/<action>`, which started in this second."""
    stage, _, name = path.partition("/")
    return {
        "actionExecutionId": f"{path}-{second}",
        "stageName": stage,
        "actionName": name,
        "status": status,
        "startTime": BEGAN.replace(second=second),
        **({"output": {"outputVariables": variables}} if variables else {}),
    }


def deployed(service: str, execution: str, environment: str, number: int = 1) -> list[dict[str, Any]]:
    """Return the actions of a stage that has deployed the release of `execution`, newest first."""
    stage = environment.capitalize()
    key = f"_deployments/{service}/{execution}/{environment}/{number}.dsse.json"
    return [action(f"{stage}/Attest{stage}", second=2, Statement=key), action(f"{stage}/Execute", second=1)]


def codepipeline_of(
    runs: Mapping[str, Sequence[dict[str, Any]]], rollbacks: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the answers of CodePipeline. `rollbacks` maps a run to the run to which it rolls a stage back.

    Each answer has one item, so there are as many pages as items.
    """
    targets = dict(rollbacks or {})
    summaries = [
        {
            "pipelineExecutionId": run,
            "executionType": "ROLLBACK" if run in targets else "STANDARD",
            **({"rollbackMetadata": {"rollbackTargetPipelineExecutionId": targets[run]}} if run in targets else {}),
        }
        for run in runs
    ]

    def executions(pipelineName: str) -> list[dict[str, Any]]:  # noqa: N803 - AWS's word
        assert pipelineName
        return [{"pipelineExecutionSummaries": [summary]} for summary in summaries]

    def actions(pipelineName: str, filter: dict[str, str]) -> list[dict[str, Any]]:  # noqa: A002, N803 - AWS's words
        assert pipelineName
        return [{"actionExecutionDetails": [each]} for each in runs[filter["pipelineExecutionId"]]]

    return {"list_pipeline_executions": executions, "list_action_executions": actions}
