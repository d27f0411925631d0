"""Describes the failure of a pipeline action: its build or stack, the reason, and the page in the AWS console."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cicd_templates.deploy.aws.clients import Clients, explain
from cicd_templates.deploy.diagnosis.causes.codebuild import failed_build


def service_facts(clients: Clients, action: Mapping[str, Any]) -> list[str]:
    """Return facts about a failed pipeline action: its console page, its stack, and what CodeBuild reports.

    If the call to CodeBuild fails, the result says why. The function never raises an error.
    """
    try:
        return list(_behind(clients, action))
    except (ClientError, BotoCoreError) as error:
        return [f"CodeBuild gave no details: {explain(error)}"]


def _behind(clients: Clients, action: Mapping[str, Any]) -> Iterator[str]:
    result = action.get("output", {}).get("executionResult", {})
    given = action.get("input", {})
    provider = given.get("actionTypeId", {}).get("provider")
    if result.get("externalExecutionUrl"):
        yield f"see {result['externalExecutionUrl']}"
    if provider == "CloudFormation":
        stack = given.get("resolvedConfiguration", given.get("configuration", {})).get("StackName", "")
        yield f"the action deploys the stack {stack}; `make recover` for its environment shows how to repair the stack"
    if provider == "CodeBuild" and result.get("externalExecutionId"):
        yield from failed_build(clients, result["externalExecutionId"])
