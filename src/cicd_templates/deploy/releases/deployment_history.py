"""Reads from CodePipeline's history which deployments of a release must have a signed statement. Changes nothing.

If somebody removes the newest statements from a folder of evidence, the folder does not show the loss. CodePipeline's
history is another record of the deployments, and only AWS writes it. AWS keeps it for 12 months:
https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListActionExecutions.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cicd_templates.functions.deployed_release import EXECUTE_ACTION

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_codepipeline.type_defs import ActionExecutionDetailTypeDef, PipelineExecutionSummaryTypeDef

# The name of the action that signs a statement begins with this word. The renderer has the same word, and a test
# compares them. The last word is the variable in which the signer reports the S3 key of the statement.
ATTEST_ACTION = "Attest"
STATEMENT = "Statement"


@dataclass(frozen=True)
class DeploymentHistory:
    """What CodePipeline's history says about the deployments of a release.

    - `not_attested` has the environments that need no signed statement, each with the reason, such as
      `was not deployed there`.
    - `statements` has the paths of the statements that the signer has reported, relative to the folder of evidence.

    If the history no longer has the pipeline execution, both are empty, so every environment needs a statement.
    """

    not_attested: Mapping[str, str] = field(default_factory=dict)
    statements: frozenset[str] = frozenset()


def read_deployment_history(
    codepipeline: CodePipelineClient, pipeline: str, execution: str, stages: Mapping[str, str]
) -> DeploymentHistory:
    """Return the deployment history of a release. It includes rollbacks to the release.

    `execution` is the pipeline execution that made the release. `stages` maps each environment to the stage that
    deploys to it.
    """
    targets = {
        summary["pipelineExecutionId"]: summary.get("rollbackMetadata", {}).get("rollbackTargetPipelineExecutionId")
        for summary in _executions(codepipeline, pipeline)
    }
    executions = [each for each, target in targets.items() if execution in (each, target)]
    if execution not in executions:
        return DeploymentHistory()
    actions = [
        sorted(_actions(codepipeline, pipeline, each), key=lambda action: action["startTime"]) for each in executions
    ]
    reasons = {
        environment: [_reason(action for action in ran if action["stageName"] == stage) for ran in actions]
        for environment, stage in stages.items()
    }
    # If every execution has a reason, the one of the release's own execution is shown.
    own = executions.index(execution)
    reported = [
        action.get("output", {}).get("outputVariables", {}).get(STATEMENT, "") for ran in actions for action in ran
    ]
    return DeploymentHistory(
        {environment: found[own] for environment, found in reasons.items() if all(found)},
        # The key is `_deployments/<service>/<execution>/<environment>/<number>.dsse.json`.
        frozenset(f"deployments/{'/'.join(key.split('/')[3:])}" for key in reported if key),
    )


def _executions(codepipeline: CodePipelineClient, pipeline: str) -> list[PipelineExecutionSummaryTypeDef]:
    """Return all executions in the history of a pipeline. A pipeline that was removed has none."""
    from botocore.exceptions import ClientError

    try:
        pages = codepipeline.get_paginator("list_pipeline_executions").paginate(pipelineName=pipeline)
        return [summary for page in pages for summary in page["pipelineExecutionSummaries"]]
    except ClientError as error:
        if error.response["Error"]["Code"] != "PipelineNotFoundException":
            raise
        return []


def _actions(codepipeline: CodePipelineClient, pipeline: str, execution: str) -> Iterable[ActionExecutionDetailTypeDef]:
    pages = codepipeline.get_paginator("list_action_executions").paginate(
        pipelineName=pipeline, filter={"pipelineExecutionId": execution}
    )
    return (action for page in pages for action in page["actionExecutionDetails"])


def _reason(actions: Iterable[ActionExecutionDetailTypeDef]) -> str:
    """Return the reason why a stage needs no signed statement, or an empty text if the stage needs a statement.

    `actions` are the actions of the stage in the order of their start. An abandoned deployment needs a statement,
    because AWS may still complete it.
    """
    newest = {action["actionName"]: action["status"] for action in actions}
    if newest.get(EXECUTE_ACTION, "Failed") == "Failed":
        return "was not deployed there"
    attested = any(name.startswith(ATTEST_ACTION) for name in newest)
    if "Failed" in newest.values() and not attested:
        return "failed there after the deployment, before a statement could be signed"
    return ""
