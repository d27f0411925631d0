"""Encrypted queues that refuse requests without TLS, including the dead-letter queue and its alarm."""

from __future__ import annotations

from awacs import sqs as actions
from awacs.aws import ArnLike, Bool, Principal, StringEquals
from troposphere import GetAtt, Sub, cloudwatch, sqs

from cicd_templates.blocks.alarms import Metric, alarm
from cicd_templates.blocks.removal_policies import transient
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import name_prefix, physical_name
from cicd_templates.layer.iam import Grant, allow, deny, document
from cicd_templates.layer.outputs import KeyArn, QueueArn, TopicArn

DEAD_LETTERS = reserved_words.DEAD_LETTERS
# 14 days: SQS keeps messages no longer than this.
RETENTION_SECONDS = 14 * 24 * 3600


def encrypted_queue(logical_id: str, env: Environment, key: KeyArn, *words: str) -> sqs.Queue:
    """Return a queue that keeps messages for 14 days. The end of its name is `words`, joined with hyphens.

    The caller must also add the policy from `tls_only`.
    """
    return sqs.Queue(
        logical_id,
        QueueName=physical_name(env, "AWS::SQS::Queue", *words),
        KmsMasterKeyId=key,
        MessageRetentionPeriod=RETENTION_SECONDS,
    )


def tls_only(logical_id: str, queue: sqs.Queue, *grants: Grant) -> sqs.QueuePolicy:
    """Return a policy for `queue` that contains `grants` and denies requests without TLS."""
    refusal = deny(
        "RefuseWithoutTls",
        [actions.SendMessage, actions.ReceiveMessage],
        on=GetAtt(queue, "Arn"),
        to=Principal("*"),
        when=[Bool({"aws:SecureTransport": "false"})],
    )
    return sqs.QueuePolicy(logical_id, Queues=[queue.ref()], PolicyDocument=document([refusal, *grants]))


def dead_letter_queue(logical_id: str, env: Environment, key: KeyArn) -> sqs.Queue:
    """Return the environment's queue for undelivered events and messages, and for failed invocations."""
    return transient(encrypted_queue(logical_id, env, key, DEAD_LETTERS))


def dead_letter_policy(logical_id: str, env: Environment, queue: sqs.Queue) -> sqs.QueuePolicy:
    """Return the queue's policy: over TLS, this environment's EventBridge rules and SNS topics may send messages.

    Functions need no statement here, because `may_send` grants the permission to their roles.
    """
    rules = Sub(f"arn:${{AWS::Partition}}:events:{env.region}:{env.account}:rule/{name_prefix(env)}-*")
    sending = allow(
        "LetRulesSendDeadLetters",
        [actions.SendMessage],
        on=GetAtt(queue, "Arn"),
        to=Principal("Service", "events.amazonaws.com"),
        when=[StringEquals({"aws:SourceAccount": env.account}), ArnLike({"aws:SourceArn": rules})],
    )
    topics = Sub(f"arn:${{AWS::Partition}}:sns:{env.region}:{env.account}:{name_prefix(env)}-*")
    undelivered = allow(
        "LetTopicsSendDeadLetters",
        [actions.SendMessage],
        on=GetAtt(queue, "Arn"),
        to=Principal("Service", "sns.amazonaws.com"),
        when=[ArnLike({"aws:SourceArn": topics})],
    )
    return tls_only(logical_id, queue, sending, undelivered)


def dead_letter_alarm(logical_id: str, env: Environment, queue: sqs.Queue, operations: TopicArn) -> cloudwatch.Alarm:
    """Return the alarm that notifies `operations` as soon as a message is in the dead-letter queue."""
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    metric = Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": GetAtt(queue, "QueueName")})
    description = "An event or an invocation failed and is in the dead-letter queue"
    return alarm(logical_id, env, [DEAD_LETTERS], description, metric, above=0, tell=[operations])


def may_send(sid: str, queue: QueueArn) -> Grant:
    """Let a function's role send invocations to the dead-letter queue after all retries have failed."""
    return allow(sid, [actions.SendMessage], on=queue)
