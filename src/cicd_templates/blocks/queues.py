"""The queue for what could not be delivered, so that a lost event is an alarm and not silence."""

from __future__ import annotations

from awacs import sqs as actions
from awacs.aws import ArnLike, Bool, Principal, StringEquals
from troposphere import GetAtt, Sub, sqs

from cicd_templates.blocks.lifecycle import transient
from cicd_templates.environment import Environment
from cicd_templates.iam import Grant, allow, deny, document
from cicd_templates.naming import name_prefix, physical_name
from cicd_templates.outputs import KeyArn, QueueArn

DEAD_LETTERS = "dead-letters"
# The longest that a queue keeps a message: 14 days.
RETENTION_SECONDS = 14 * 24 * 3600


def dead_letter_queue(logical_id: str, env: Environment, key: KeyArn) -> sqs.Queue:
    """The environment's queue of undelivered events and failed invocations, under its key."""
    return transient(
        sqs.Queue(
            logical_id,
            QueueName=physical_name(env, "AWS::SQS::Queue", DEAD_LETTERS),
            KmsMasterKeyId=key,
            MessageRetentionPeriod=RETENTION_SECONDS,
        )
    )


def dead_letter_policy(logical_id: str, env: Environment, queue: sqs.Queue) -> sqs.QueuePolicy:
    """Open to this environment's EventBridge rules, and to nobody without TLS; functions have their own grants."""
    rules = Sub(f"arn:${{AWS::Partition}}:events:{env.region}:{env.account}:rule/{name_prefix(env)}-*")
    arn = GetAtt(queue, "Arn")
    return sqs.QueuePolicy(
        logical_id,
        Queues=[queue.ref()],
        PolicyDocument=document(
            [
                deny(
                    "RefuseWithoutTls",
                    [actions.SendMessage, actions.ReceiveMessage],
                    on=arn,
                    to=Principal("*"),
                    when=[Bool({"aws:SecureTransport": "false"})],
                ),
                allow(
                    "LetRulesSendDeadLetters",
                    [actions.SendMessage],
                    on=arn,
                    to=Principal("Service", "events.amazonaws.com"),
                    when=[StringEquals({"aws:SourceAccount": env.account}), ArnLike({"aws:SourceArn": rules})],
                ),
            ]
        ),
    )


def may_send(sid: str, queue: QueueArn) -> Grant:
    """Lets a function's role send an invocation that failed for good."""
    return allow(sid, [actions.SendMessage], on=queue)
