"""Why a run of a pipeline failed: the action, its own error, and what the service behind it knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cicd_templates.deploy.causes.codebuild import failed_build
from cicd_templates.deploy.clients import Clients


def failed_actions(clients: Clients, pipeline: str, execution: str) -> list[str]:
    """What CodePipeline knows of the actions of a run that failed, oldest first. Raises the clients' errors."""
    pages = clients.codepipeline.get_paginator("list_action_executions").paginate(
        pipelineName=pipeline, filter={"pipelineExecutionId": execution}
    )
    actions = [action for page in pages for action in page["actionExecutionDetails"]]
    failed = [action for action in reversed(actions) if action["status"] == "Failed"]
    return [line for action in failed for line in _action(clients, action)]


def _action(clients: Clients, action: Mapping[str, Any]) -> Iterator[str]:
    result = action.get("output", {}).get("executionResult", {})
    error = result.get("errorDetails", {})
    said = " ".join(filter(None, [error.get("code"), error.get("message")])) or result.get("externalExecutionSummary")
    yield f"{action['stageName']}/{action['actionName']}: {said or 'no reason given'}"
    given = action.get("input", {})
    provider = given.get("actionTypeId", {}).get("provider")
    if provider == "CodeBuild" and result.get("externalExecutionId"):
        yield from failed_build(clients, result["externalExecutionId"])
    if provider == "CloudFormation":
        stack = given.get("resolvedConfiguration", given.get("configuration", {})).get("StackName", "")
        yield f"the stack {stack} is in the account of that environment; `make recover` there says what it needs"
    if result.get("externalExecutionUrl"):
        yield f"see {result['externalExecutionUrl']}"
