"""Creates encrypted SNS topics. Alarms and EventBridge rules of the same environment can publish to them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from awacs import sns as actions
from awacs.aws import ArnLike, Bool, Principal, StringEquals
from troposphere import GetAtt, Sub, sns, sqs

from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import name_prefix, physical_name
from cicd_templates.layer.iam import allow, deny, document
from cicd_templates.layer.outputs import KeyArn

GROUPS = ("developers", "security", "operations")


def topic_words(env: Environment) -> list[tuple[str, ...]]:
    """Return, for each topic of `env`, a tuple of the words in the topic's name.

    Each stakeholder group has a topic. The tools environment also has a topic for the approvers of each protected
    environment.
    """
    approved = [peer for peer in env.route if peer.protected] if env.kind == "tools" else []
    return [*((group,) for group in GROUPS), *(("approvers", peer.name) for peer in approved)]


def topic(logical_id: str, env: Environment, words: Sequence[str], key: KeyArn) -> sns.Topic:
    """Return the SNS topic whose name consists of `words`."""
    return sns.Topic(
        logical_id,
        TopicName=physical_name(env, "AWS::SNS::Topic", *words),
        DisplayName=" ".join([env.project.name, env.qualified, *words]),
        KmsMasterKeyId=key,
    )


def subscriptions(
    topic: sns.Topic, addresses: Sequence[str], dead_letters: sqs.Queue
) -> list[sns.SubscriptionResource]:
    """Return one e-mail subscription per address. The owner of the address must confirm it before e-mails arrive.

    A message that cannot be delivered goes to the queue `dead_letters`. The logical id of a subscription is made from
    the address, not from its position in the list. So an address that moves in the list needs no new confirmation.
    """
    return [
        sns.SubscriptionResource(
            f"{topic.title}Subscription{hashlib.sha256(address.encode()).hexdigest()[:8]}",
            TopicArn=topic.ref(),
            Protocol="email",
            Endpoint=address,
            RedrivePolicy={"deadLetterTargetArn": GetAtt(dead_letters, "Arn")},
        )
        for address in addresses
    ]


def topic_policy(logical_id: str, env: Environment, topic: sns.Topic, *, for_events: bool = True) -> sns.TopicPolicy:
    """Return a topic policy that requires TLS. If `for_events` is true, alarms and rules of this environment may
    publish.

    EventBridge and CloudWatch need a resource policy to access a topic. They do not use roles for this:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    prefix = f"{name_prefix(env)}-"
    mine = StringEquals({"aws:SourceAccount": env.account})
    sources = {
        "LetAlarmsPublish": ("cloudwatch.amazonaws.com", f"cloudwatch:{env.region}:{env.account}:alarm:{prefix}*"),
        "LetRulesPublish": ("events.amazonaws.com", f"events:{env.region}:{env.account}:rule/{prefix}*"),
    }
    refuse_plain_text = deny(
        "RefuseWithoutTls",
        [actions.Publish],
        on=topic.ref(),
        to=Principal("*"),
        when=[Bool({"aws:SecureTransport": "false"})],
    )
    admitted = [
        allow(
            sid,
            [actions.Publish],
            on=topic.ref(),
            to=Principal("Service", service),
            when=[mine, ArnLike({"aws:SourceArn": Sub(f"arn:${{AWS::Partition}}:{source}")})],
        )
        for sid, (service, source) in sources.items()
        if for_events
    ]
    return sns.TopicPolicy(logical_id, Topics=[topic.ref()], PolicyDocument=document([refuse_plain_text, *admitted]))
