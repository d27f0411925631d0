"""Creates EventBridge rules, which send notifications, record events or invoke functions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from awacs import logs as actions
from awacs.aws import ArnEquals, Principal
from troposphere import AWSHelperFn, GetAtt, Sub, awslambda, encode_to_dict, events, logs

from cicd_templates.blocks.log_groups import log_group
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import name_prefix, physical_name, pipeline_name
from cicd_templates.layer.iam import allow, document
from cicd_templates.layer.outputs import KeyArn, QueueArn, TopicArn
from cicd_templates.template.partitions import pipeline_page

# EventBridge delivers only to log groups whose names begin with this text:
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-targets.html
HISTORY_PREFIX = "/aws/events/"
# After this many seconds of retries, EventBridge sends an event to the dead-letter queue. AWS's default is a day.
GIVE_UP_SECONDS = 3600


class MonitoredService(NamedTuple):
    """A service that EventBridge rules monitor, and the dead-letter queue for events that the rules cannot deliver."""

    env: Environment
    service: Service
    dead_letters: QueueArn

    @property
    def subject(self) -> str:
        """The beginning of each message about the service."""
        return self.service.name

    @property
    def pipeline(self) -> str:
        """The name of the service's pipeline."""
        return pipeline_name(self.env, self.service.name)

    @property
    def pipeline_page(self) -> str:
        """The URL of the pipeline's page in the AWS console."""
        region = self.env.region
        return pipeline_page(region, self.pipeline)

    def rule_name(self, purpose: str) -> str:
        """Return the name of the service's EventBridge rule for `purpose`."""
        return physical_name(self.env, "AWS::Events::Rule", self.service.name, purpose)

    def rule_arn(self, purpose: str) -> Sub:
        """Return the ARN of the service's EventBridge rule for `purpose`, even if the rule does not exist yet."""
        name = self.rule_name(purpose)
        return Sub(f"arn:${{AWS::Partition}}:events:{self.env.region}:{self.env.account}:rule/{name}")


class MonitoredEnvironment(NamedTuple):
    """An environment that EventBridge rules monitor, and the dead-letter queue for events that the rules cannot
    deliver.
    """

    env: Environment
    dead_letters: QueueArn

    @property
    def subject(self) -> str:
        """The beginning of each message about the environment."""
        return f"{self.env.project.name} {self.env.qualified}"

    def rule_name(self, purpose: str) -> str:
        """Return the name of the environment's EventBridge rule for `purpose`."""
        return physical_name(self.env, "AWS::Events::Rule", purpose)


def notification_rule(
    logical_id: str,
    monitored: MonitoredService | MonitoredEnvironment,
    purpose: str,
    event_pattern: Mapping[str, Any],
    message: str,
    paths: Mapping[str, str],
    topics: Mapping[str, TopicArn],
    page: str,
) -> events.Rule:
    """Return a rule that sends `message` to `topics`, which maps stakeholder groups to SNS topics.

    EventBridge replaces each `<name>` in the message by the event's value at the JSON path `paths["name"]`.
    `page` is the URL of the console page with details.
    """
    transformer = events.InputTransformer(InputTemplate=json.dumps(f"{monitored.subject}: {message} {page}"))
    if paths:
        transformer.InputPathsMap = dict(paths)
    return _rule(
        logical_id,
        monitored,
        purpose,
        f"Notifies {' and '.join(topics)}",
        [
            _target(group.capitalize(), topic, monitored.dead_letters, InputTransformer=transformer)
            for group, topic in topics.items()
        ],
        EventPattern=dict(event_pattern),
    )


def event_history(logical_id: str, monitored: MonitoredService, key: KeyArn) -> tuple[logs.LogGroup, events.Rule]:
    """Return a log group for all events of the pipeline, and the EventBridge rule that writes the events to the log
    group.

    The log group has its own resource policy, which lets only this rule write events. CloudWatch Logs does not count
    such a policy towards the account's limit of ten log resource policies.
    """
    env = monitored.env
    purpose = "history"
    name = f"{HISTORY_PREFIX}{name_prefix(env)}-{monitored.service.name}"
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
                when=[ArnEquals({"aws:SourceArn": monitored.rule_arn(purpose)})],
            ),
        ]
    )
    # For this property, troposphere accepts a dictionary but not a policy object.
    group.ResourcePolicyDocument = encode_to_dict(admitted)
    rule = _rule(
        f"{logical_id}Rule",
        monitored,
        purpose,
        "Logs every event of the pipeline",
        [_target("History", Sub(arn), monitored.dead_letters)],
        # Events from CloudTrail name the person who approved a release or overrode a condition. The field with the
        # pipeline's name depends on the API call.
        EventPattern={
            "source": ["aws.codepipeline"],
            "detail": {
                "$or": [
                    {"pipeline": [monitored.pipeline]},
                    {"requestParameters": {"pipelineName": [monitored.pipeline]}},
                    {"requestParameters": {"name": [monitored.pipeline]}},
                    {"requestParameters": {"pipeline": {"name": [monitored.pipeline]}}},
                ]
            },
        },
    )
    rule.DependsOn = group.title
    return group, rule


def invocation_rule(
    logical_id: str,
    monitored: MonitoredService,
    purpose: str,
    description: str,
    function: awslambda.Function,
    **when: Any,
) -> tuple[events.Rule, awslambda.Permission]:
    """Return an EventBridge rule that invokes a function on a schedule or for matching events, and the Lambda
    permission that the rule needs.
    """
    target = _target("Function", GetAtt(function, "Arn"), monitored.dead_letters)
    rule = _rule(logical_id, monitored, purpose, description, [target], **when)
    permission = awslambda.Permission(
        f"{logical_id}Permission",
        Action="lambda:InvokeFunction",
        FunctionName=function.ref(),
        Principal="events.amazonaws.com",
        SourceAccount=monitored.env.account,
        SourceArn=GetAtt(rule, "Arn"),
    )
    return rule, permission


def _rule(
    logical_id: str,
    monitored: MonitoredService | MonitoredEnvironment,
    purpose: str,
    description: str,
    targets: Sequence[events.Target],
    **when: Any,
) -> events.Rule:
    return events.Rule(
        logical_id,
        Name=monitored.rule_name(purpose),
        Description=description,
        State="ENABLED",
        **when,
        Targets=list(targets),
    )


def _target(name: str, arn: AWSHelperFn | str, dead_letters: QueueArn, **how: Any) -> events.Target:
    # No role is needed, because topics, queues, functions and log groups have resource policies that admit rules.
    return events.Target(
        Id=name,
        Arn=arn,
        **how,
        RetryPolicy=events.RetryPolicy(MaximumEventAgeInSeconds=GIVE_UP_SECONDS, MaximumRetryAttempts=10),
        DeadLetterConfig=events.DeadLetterConfig(Arn=dead_letters),
    )
