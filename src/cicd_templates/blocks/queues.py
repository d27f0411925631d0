"""Creates encrypted SQS queues, their alarms, and the permissions to use them. All queues require TLS."""

from __future__ import annotations

from collections.abc import Sequence

from awacs import kms
from awacs import sqs as actions
from awacs.aws import ArnLike, Bool, Principal, StringEquals
from troposphere import GetAtt, Sub, cloudwatch, sqs

from cicd_templates.blocks.alarms import Metric, alarm
from cicd_templates.blocks.keys import may_use_through
from cicd_templates.blocks.removal_policies import transient
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import name_prefix, physical_name, title, variable_name
from cicd_templates.config.tables.queue import QueueTable
from cicd_templates.layer.iam import Grant, allow, deny, document
from cicd_templates.layer.offers import Backlog, Offer
from cicd_templates.layer.outputs import KeyArn, MetricName, Output, QueueArn, TopicArn, Url
from cicd_templates.layer.template import LayerTemplate
from cicd_templates.plurals import counted

DEAD_LETTERS = reserved_words.DEAD_LETTERS
# 14 days: SQS keeps messages no longer than this.
RETENTION_SECONDS = 14 * 24 * 3600


def encrypted_queue(logical_id: str, env: Environment, key: KeyArn, *words: str) -> sqs.Queue:
    """Return an encrypted queue that keeps messages for 14 days. Its name ends with `words`, joined by hyphens.

    The caller must also add the policy from `tls_only`.
    """
    return sqs.Queue(
        logical_id,
        QueueName=physical_name(env, "AWS::SQS::Queue", *words),
        KmsMasterKeyId=key,
        MessageRetentionPeriod=RETENTION_SECONDS,
    )


def tls_only(logical_id: str, queue: sqs.Queue, *grants: Grant) -> sqs.QueuePolicy:
    """Return a policy for `queue`: the statements in `grants`, and a statement that denies requests without TLS."""
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
    """Return the policy of the dead-letter queue. It requires TLS, and lets the environment's rules and topics send
    messages to the queue.

    Lambda functions may send messages, too. They need no statement in this policy, because `may_send` adds the
    permission to their roles.
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
    description = "An undelivered event or a failed invocation is in the dead-letter queue"
    return _dead_letter_alarm(logical_id, env, [DEAD_LETTERS], description, queue, operations)


def _dead_letter_alarm(
    logical_id: str, env: Environment, words: Sequence[str], description: str, queue: sqs.Queue, operations: TopicArn
) -> cloudwatch.Alarm:
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    metric = Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": GetAtt(queue, "QueueName")})
    return alarm(logical_id, env, words, description, metric, above=0, tell=[operations])


def may_send(sid: str, queue: QueueArn) -> Grant:
    """Let a Lambda function's role send an invocation to the dead-letter queue after the last retry has failed."""
    return allow(sid, [actions.SendMessage], on=queue)


def dead_letters_of(logical_id: str, env: Environment, key: KeyArn, name: str) -> sqs.Queue:
    """Return the dead-letter queue of the work queue `name`. No other queue can use this dead-letter queue."""
    queue = encrypted_queue(logical_id, env, key, name, DEAD_LETTERS)
    source = f"sqs:{env.region}:{env.account}:{physical_name(env, 'AWS::SQS::Queue', name)}"
    queue.RedriveAllowPolicy = {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [Sub(f"arn:${{AWS::Partition}}:{source}")],
    }
    return queue


def work_queue(
    logical_id: str, env: Environment, key: KeyArn, name: str, settings: QueueTable, dead_letters: sqs.Queue
) -> sqs.Queue:
    """Return the SQS queue `name`.

    After `max_receives` failed attempts to process a message, SQS moves the message to the queue `dead_letters`.
    """
    queue = encrypted_queue(logical_id, env, key, name)
    queue.VisibilityTimeout = settings.visibility_seconds
    queue.RedrivePolicy = sqs.RedrivePolicy(
        deadLetterTargetArn=GetAtt(dead_letters, "Arn"), maxReceiveCount=settings.max_receives
    )
    return queue


def work_queue_alarms(
    env: Environment,
    name: str,
    settings: QueueTable,
    queue: sqs.Queue,
    dead_letters: sqs.Queue,
    operations: TopicArn,
) -> tuple[cloudwatch.Alarm, cloudwatch.Alarm]:
    """Return two alarms that notify `operations`: one on messages that wait too long, and one on dead letters."""
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    age = Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": GetAtt(queue, "QueueName")})
    waited = counted(settings.oldest_minutes, "minute")
    description = f"The oldest message of the queue {name} has waited for more than {waited}"
    return (
        alarm(
            f"{title(name)}AgeAlarm",
            env,
            [name, "age"],
            description,
            age,
            above=settings.oldest_minutes * 60,
            tell=[operations],
        ),
        _dead_letter_alarm(
            f"{title(name)}DeadLettersAlarm",
            env,
            [name, DEAD_LETTERS],
            f"A message of the queue {name} could not be processed and is in its dead-letter queue",
            dead_letters,
            operations,
        ),
    )


def queue_offer(
    name: str,
    url: Output[Url],
    arn: Output[QueueArn],
    key: Output[KeyArn],
    metrics: Output[MetricName] | None = None,
) -> Offer:
    """Return the variables and IAM grants that a service needs to send to a queue, to receive from it, or to do both.

    The queue is encrypted with `key`. The container finds the queue's URL in a variable such as `INBOX_QUEUE_URL`.
    `metrics` is the queue's name in CloudWatch metrics. If `metrics` is given, workers scale on the number of messages.
    """

    def send(layer: LayerTemplate) -> list[Grant]:
        return [
            allow(f"SendTo{title(name)}", [actions.SendMessage], on=layer.read(arn)),
            # A sender needs both actions, because SQS verifies a data key with `kms:Decrypt` before it uses the key:
            # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
            may_use_through(
                f"EncryptFor{title(name)}", layer.env, ["sqs"], [kms.Decrypt, kms.GenerateDataKey], layer.read(key)
            ),
        ]

    def receive(layer: LayerTemplate) -> list[Grant]:
        received = [
            actions.ChangeMessageVisibility,
            actions.DeleteMessage,
            actions.GetQueueAttributes,
            actions.ReceiveMessage,
        ]
        return [
            allow(f"ReceiveFrom{title(name)}", received, on=layer.read(arn)),
            may_use_through(f"DecryptFrom{title(name)}", layer.env, ["sqs"], [kms.Decrypt], layer.read(key)),
        ]

    def send_and_receive(layer: LayerTemplate) -> list[Grant]:
        return [*send(layer), *receive(layer)]

    return Offer(
        name,
        {variable_name(name, "queue", "url"): url},
        {"send": send, "receive": receive, "send-and-receive": send_and_receive},
        backlog=None if metrics is None else Backlog(metrics, frozenset({"receive", "send-and-receive"})),
    )
