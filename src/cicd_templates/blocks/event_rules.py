"""EventBridge rules about one service, each with readable words, the topics that care, and a queue for what is lost.

Detail types and states: https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from awacs import logs as actions
from awacs.aws import ArnEquals, Principal
from troposphere import AWSHelperFn, GetAtt, Sub, awslambda, encode_to_dict, events, logs

from cicd_templates.blocks.log_groups import log_group
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name, pipeline_name
from cicd_templates.layer.iam import allow, document
from cicd_templates.layer.outputs import KeyArn, QueueArn, TopicArn

RUN = "CodePipeline Pipeline Execution State Change"
ACTION = "CodePipeline Action Execution State Change"
# What CloudTrail tells of an API call; it needs a trail of management events in the account.
API_CALL = "AWS API Call via CloudTrail"
# A stage that goes back is a run of its own, with one of these triggers; not every event of a run says its trigger.
_ROLLBACKS = ["AutomatedRollback", "ManualRollback"]
ROLLBACK = {"execution_trigger": {"trigger-type": _ROLLBACKS}}
NO_ROLLBACK = {
    "$or": [
        {"execution-trigger": {"trigger-type": [{"exists": False}]}},
        {"execution-trigger": {"trigger-type": [{"anything-but": _ROLLBACKS}]}},
    ]
}
# EventBridge delivers to log groups of these names only:
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-targets.html
HISTORY_PREFIX = "/aws/events/"
# How long EventBridge tries before an event is a dead letter, in seconds; by default it is a day.
GIVE_UP_SECONDS = 3600


@dataclass(frozen=True)
class Subject:
    """The service that rules are about, and the queue for what they cannot deliver."""

    env: Environment
    service: Service
    dead_letters: QueueArn

    @property
    def pipeline(self) -> str:
        """The name of its pipeline."""
        return pipeline_name(self.env, self.service.name)

    @property
    def pipeline_page(self) -> str:
        """Where the console shows its pipeline."""
        region = self.env.region
        return (
            f"https://{region}.console.aws.amazon.com/codesuite/codepipeline/pipelines/{self.pipeline}/view"
            f"?region={region}"
        )

    def rule_name(self, purpose: str) -> str:
        """The name of a rule about it."""
        return physical_name(self.env, "AWS::Events::Rule", self.service.name, purpose)

    def rule_arn(self, purpose: str) -> Sub:
        """The ARN of a rule about it, before the rule exists."""
        name = self.rule_name(purpose)
        return Sub(f"arn:${{AWS::Partition}}:events:{self.env.region}:{self.env.account}:rule/{name}")


def pattern(subject: Subject, detail_type: str, **detail: Any) -> dict[str, Any]:
    """Events of `detail_type` about the pipeline; `detail` narrows them, an underscore standing for a hyphen."""
    narrowed = {key.replace("_", "-"): value for key, value in detail.items()}
    return {
        "source": ["aws.codepipeline"],
        "detail-type": [detail_type],
        "detail": {"pipeline": [subject.pipeline], **narrowed},
    }


def overriding(subject: Subject) -> dict[str, Any]:
    """Somebody's override of a stage condition of the pipeline, by the console or the API."""
    return {
        "source": ["aws.codepipeline"],
        "detail-type": [API_CALL],
        "detail": {
            "eventSource": ["codepipeline.amazonaws.com"],
            "eventName": ["OverrideStageCondition"],
            "requestParameters": {"pipelineName": [subject.pipeline]},
        },
    }


def changing(subject: Subject) -> dict[str, Any]:
    """Somebody's change of the pipeline itself, or its deletion: its stages are what keeps a release from production.

    The two calls name it in different places: PipelineDeclaration.name and DeletePipelineInput.name.
    """
    name = [subject.pipeline]
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


def telling(
    logical_id: str,
    subject: Subject,
    purpose: str,
    event_pattern: Mapping[str, Any],
    message: str,
    paths: Mapping[str, str],
    topics: Mapping[str, TopicArn],
    page: str,
) -> events.Rule:
    """A rule that tells `topics` (by group) in a sentence; `<name>` in `message` is what `paths` finds in the event.

    `page` is where the console shows more.
    """
    transformer = events.InputTransformer(InputTemplate=json.dumps(f"{subject.service.name}: {message} {page}"))
    if paths:
        transformer.InputPathsMap = dict(paths)
    return _rule(
        logical_id,
        subject,
        purpose,
        f"Tells {' and '.join(topics)} in words",
        [
            _target(group.capitalize(), topic, subject.dead_letters, InputTransformer=transformer)
            for group, topic in topics.items()
        ],
        EventPattern=dict(event_pattern),
    )


def history(logical_id: str, subject: Subject, key: KeyArn) -> tuple[logs.LogGroup, events.Rule]:
    """Every event of the pipeline, kept; the group's own policy admits this one rule.

    An account has room for ten log policies only, and a group's own counts for none of them.
    """
    env = subject.env
    purpose = "history"
    name = f"{HISTORY_PREFIX}{subject.pipeline}"
    arn = f"arn:${{AWS::Partition}}:logs:{env.region}:{env.account}:log-group:{name}"
    delivery = Principal("Service", ["delivery.logs.amazonaws.com", "events.amazonaws.com"])
    group = log_group(f"{logical_id}LogGroup", env, name, key)
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    admitted = document(
        [
            allow("LetRulesOpenStreams", [actions.CreateLogStream], on=Sub(f"{arn}:*"), to=delivery),
            allow(
                "LetTheHistoryRuleWrite",
                [actions.PutLogEvents],
                on=Sub(f"{arn}:*"),
                to=delivery,
                when=[ArnEquals({"aws:SourceArn": subject.rule_arn(purpose)})],
            ),
        ]
    )
    # troposphere takes no policy object here.
    group.ResourcePolicyDocument = encode_to_dict(admitted)
    rule = _rule(
        f"{logical_id}Rule",
        subject,
        purpose,
        "Keeps every event of the pipeline",
        [_target("History", Sub(arn), subject.dead_letters)],
        # What CloudTrail tells of calls names the pipeline elsewhere: there it says who approved and who overrode.
        EventPattern={
            "source": ["aws.codepipeline"],
            "detail": {
                "$or": [
                    {"pipeline": [subject.pipeline]},
                    {"requestParameters": {"pipelineName": [subject.pipeline]}},
                    {"requestParameters": {"name": [subject.pipeline]}},
                    {"requestParameters": {"pipeline": {"name": [subject.pipeline]}}},
                ]
            },
        },
    )
    rule.DependsOn = group.title
    return group, rule


def calling(
    logical_id: str, subject: Subject, purpose: str, description: str, function: awslambda.Function, **when: Any
) -> tuple[events.Rule, awslambda.Permission]:
    """A rule that calls a function, on a schedule or for a pattern, and the function's consent."""
    target = _target("Function", GetAtt(function, "Arn"), subject.dead_letters)
    rule = _rule(logical_id, subject, purpose, description, [target], **when)
    permission = awslambda.Permission(
        f"{logical_id}Permission",
        Action="lambda:InvokeFunction",
        FunctionName=function.ref(),
        Principal="events.amazonaws.com",
        SourceAccount=subject.env.account,
        SourceArn=GetAtt(rule, "Arn"),
    )
    return rule, permission


def _rule(
    logical_id: str, subject: Subject, purpose: str, description: str, targets: Sequence[events.Target], **when: Any
) -> events.Rule:
    return events.Rule(
        logical_id,
        Name=subject.rule_name(purpose),
        Description=description,
        State="ENABLED",
        **when,
        Targets=list(targets),
    )


def _target(name: str, arn: AWSHelperFn | str, dead_letters: QueueArn, **how: Any) -> events.Target:
    # No role: topics, queues, functions and log groups admit rules by their own policies.
    return events.Target(
        Id=name,
        Arn=arn,
        **how,
        RetryPolicy=events.RetryPolicy(MaximumEventAgeInSeconds=GIVE_UP_SECONDS, MaximumRetryAttempts=10),
        DeadLetterConfig=events.DeadLetterConfig(Arn=dead_letters),
    )
