"""Creates rules that notify stakeholder groups when CodePipeline or CloudTrail reports an event of a pipeline.

Detail types and states:
https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from troposphere import events

from cicd_templates.blocks.event_rules import MonitoredService, notification_rule
from cicd_templates.blocks.pipeline_stages import GATE_STAGE
from cicd_templates.layer.outputs import TopicArn

RUN_EVENT = "CodePipeline Pipeline Execution State Change"
ACTION_EVENT = "CodePipeline Action Execution State Change"
# The event that CloudTrail sends for an API call. The account must have a trail that records management events.
API_CALL = "AWS API Call via CloudTrail"
# The rollback of a stage is a separate run, which has one of these triggers. Not every event contains the trigger.
_ROLLBACKS = ["AutomatedRollback", "ManualRollback"]
_ROLLBACK = {"execution_trigger": {"trigger-type": _ROLLBACKS}}
_NO_ROLLBACK = {
    "$or": [
        {"execution-trigger": {"trigger-type": [{"exists": False}]}},
        {"execution-trigger": {"trigger-type": [{"anything-but": _ROLLBACKS}]}},
    ]
}
_RUN_PATHS = {"execution": "$.detail.execution-id", "state": "$.detail.state"}
_ACTION_PATHS = _RUN_PATHS | {"stage": "$.detail.stage", "action": "$.detail.action"}


def pipeline_rules(monitored: MonitoredService, topics: Mapping[str, TopicArn]) -> list[events.Rule]:
    """Return one EventBridge rule for each kind of pipeline event.

    A rule notifies the stakeholder groups that need to know about this kind of event.
    """
    approvals = {"category": ["Approval"]}
    gate = {"stage": [GATE_STAGE], "action": [GATE_STAGE]}
    notifications = [
        ("RunStarted", "run-started", _pattern(monitored, RUN_EVENT, state=["STARTED"]), "run <execution> has started.",
         _RUN_PATHS, ["developers"]),
        ("RunRolledBack", "run-rolled-back", _pattern(monitored, RUN_EVENT, **_ROLLBACK),
         "run <execution> is a rollback of a stage to an earlier release: <state>.", _RUN_PATHS,
         ["developers", "operations"]),
        ("RunSucceeded", "run-succeeded", _pattern(monitored, RUN_EVENT, state=["SUCCEEDED"], **_NO_ROLLBACK),
         "run <execution> has succeeded.", _RUN_PATHS, ["developers"]),
        ("RunFailed", "run-failed", _pattern(monitored, RUN_EVENT, state=["FAILED"]), "run <execution> has failed.",
         _RUN_PATHS, ["developers", "operations"]),
        ("RunEnded", "run-ended", _pattern(monitored, RUN_EVENT, state=["CANCELED", "STOPPED", "SUPERSEDED"]),
         "run <execution> has ended early: <state>.", _RUN_PATHS, ["developers"]),
        ("GateDecided", "gate-decided", _pattern(monitored, ACTION_EVENT, **gate, state=["SUCCEEDED", "FAILED"]),
         "the gate has decided on run <execution>: <state>.", _ACTION_PATHS, ["developers", "security"]),
        ("ApprovalNeeded", "approval-needed", _pattern(monitored, ACTION_EVENT, type=approvals, state=["STARTED"]),
         "run <execution> is waiting for an approval in <stage>.", _ACTION_PATHS, ["developers"]),
        ("ApprovalGiven", "approval-given",
         _pattern(monitored, ACTION_EVENT, type=approvals, state=["SUCCEEDED", "FAILED"]),
         "the approval of run <execution> in <stage> was answered: <state>.", _ACTION_PATHS,
         ["developers", "security"]),
        ("ConditionOverridden", "condition-overridden", _override_pattern(monitored),
         "<who> has overridden a condition of <stage> in run <execution>.",
         {"who": "$.detail.userIdentity.arn", "stage": "$.detail.requestParameters.stageName",
          "execution": "$.detail.requestParameters.pipelineExecutionId"}, ["security", "operations"]),
        ("PipelineChanged", "pipeline-changed", _pipeline_change_pattern(monitored),
         "<who> has changed or deleted the pipeline itself: <call>.",
         {"who": "$.detail.userIdentity.arn", "call": "$.detail.eventName"}, ["security", "operations"]),
    ]  # fmt: skip
    return [
        notification_rule(
            f"{logical_id}Rule",
            monitored,
            purpose,
            pattern,
            message,
            paths,
            {group: topics[group] for group in groups},
            monitored.pipeline_page,
        )
        for logical_id, purpose, pattern, message, paths, groups in notifications
    ]


def finished_pattern(monitored: MonitoredService) -> dict[str, Any]:
    """Return the event pattern for finished runs and gate verdicts. A Lambda function calculates metrics from these
    events.
    """
    return {
        "source": ["aws.codepipeline"],
        "detail-type": [ACTION_EVENT, RUN_EVENT],
        "detail": {
            "pipeline": [monitored.pipeline],
            "state": ["SUCCEEDED", "FAILED"],
            "$or": [{"stage": [{"exists": False}]}, {"stage": [GATE_STAGE], "action": [GATE_STAGE]}],
        },
    }


def _pattern(monitored: MonitoredService, detail_type: str, **detail: Any) -> dict[str, Any]:
    """Return the pattern for CodePipeline events of the type `detail_type` whose details match `detail`.

    Each keyword is a key of the event's details, with `_` in place of each hyphen.
    """
    narrowed = {key.replace("_", "-"): value for key, value in detail.items()}
    return {
        "source": ["aws.codepipeline"],
        "detail-type": [detail_type],
        "detail": {"pipeline": [monitored.pipeline], **narrowed},
    }


def _override_pattern(monitored: MonitoredService) -> dict[str, Any]:
    """Return the event pattern for calls that override a stage condition, in the console or through the API."""
    return {
        "source": ["aws.codepipeline"],
        "detail-type": [API_CALL],
        "detail": {
            "eventSource": ["codepipeline.amazonaws.com"],
            "eventName": ["OverrideStageCondition"],
            "requestParameters": {"pipelineName": [monitored.pipeline]},
        },
    }


def _pipeline_change_pattern(monitored: MonitoredService) -> dict[str, Any]:
    """Return the event pattern for calls that change or delete the pipeline.

    A change could remove the stages that protect production. The pattern has two alternatives, because UpdatePipeline
    and DeletePipeline contain the pipeline's name in different places.
    """
    name = [monitored.pipeline]
    return {
        "source": ["aws.codepipeline"],
        "detail-type": [API_CALL],
        "detail": {
            "eventSource": ["codepipeline.amazonaws.com"],
            "$or": [
                {"eventName": ["UpdatePipeline"], "requestParameters": {"pipeline": {"name": name}}},
                {"eventName": ["DeletePipeline"], "requestParameters": {"name": name}},
            ],
        },
    }
