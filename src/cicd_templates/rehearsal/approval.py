"""Manual approvals: the approvers are told as the action says, and whoever rehearses answers.

https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals-json-format.html
"""

from __future__ import annotations

import json

from cicd_templates.rehearsal.context import ActionFailedError, Run
from cicd_templates.rehearsal.definition import Action
from cicd_templates.rehearsal.result import Step

# What the action takes: https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
LONGEST_DATA = 1000


def act(run: Run, action: Action, step: Step) -> dict[str, str]:
    """Publish the question as the action's role and ask it here. Raises `ActionFailedError` for a refusal."""
    configuration = run.configured(action)
    question = configuration.get("CustomData", "")
    if len(question) > LONGEST_DATA:
        raise ActionFailedError(f"its text has {len(question)} characters, CodePipeline takes {LONGEST_DATA}")
    session = run.act(action, step)
    if topic := configuration.get("NotificationArn"):
        told = {
            "pipelineName": run.pipeline.name,
            "stageName": action.stage,
            "actionName": action.name,
            "customData": question,
            "externalEntityLink": configuration.get("ExternalEntityLink", ""),
        }
        message = json.dumps({"region": run.place.region, "approval": told})
        session.client("sns").publish(TopicArn=topic, Message=message)
    step.log = question
    if not run.place.confirm(f"{action.path}: {question or 'go on?'}"):
        raise ActionFailedError("the approval was refused")
    step.note("approved by who rehearses")
    return {}
