"""Executes manual approval actions: notifies the configured approvers, then asks the user.

https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals-json-format.html
"""

from __future__ import annotations

import json

from cicd_templates.rehearsal.pipeline_definition import Action
from cicd_templates.rehearsal.pipeline_run import ActionFailedError, PipelineRun
from cicd_templates.rehearsal.result import ActionProgress

PROVIDER = "Manual"
# The longest CustomData: https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
LONGEST_DATA = 1000


def execute(run: PipelineRun, action: Action, step: ActionProgress) -> dict[str, str]:
    """Assume the action's role to publish the notification, then ask the user of the rehearsal for the approval.

    Raises `ActionFailedError` if the user does not approve, or if the question has more characters than CodePipeline
    accepts.
    """
    configuration = run.resolve_configuration(action)
    question = configuration.get("CustomData", "")
    if len(question) > LONGEST_DATA:
        raise ActionFailedError(
            f"the approval's CustomData has {len(question)} characters, but CodePipeline accepts at most {LONGEST_DATA}"
        )
    session = run.action_session(action, step)
    if topic := configuration.get("NotificationArn"):
        approval_request = {
            "pipelineName": run.pipeline.name,
            "stageName": action.stage,
            "actionName": action.name,
            "customData": question,
            "externalEntityLink": configuration.get("ExternalEntityLink", ""),
        }
        message = json.dumps({"region": run.setup.region, "approval": approval_request})
        session.client("sns").publish(TopicArn=topic, Message=message)
    step.log = question
    reason = run.setup.commit_unknown_because
    unknown = f"\n  The commit of the templates is unknown: {reason}" if reason else ""
    if not run.setup.confirm(f"{action.path}: {question or 'approve?'}{unknown}"):
        raise ActionFailedError("the approval was refused")
    step.note("approved by the user of the rehearsal")
    return {}
