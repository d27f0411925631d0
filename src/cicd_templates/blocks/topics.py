"""Topics that alarms and events of this environment can reach, over TLS, under the environment's key."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from awacs import sns as actions
from awacs.aws import ArnLike, Bool, Principal, StringEquals
from troposphere import Sub, sns

from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import name_prefix, physical_name
from cicd_templates.layer.iam import allow, deny, document
from cicd_templates.layer.outputs import KeyArn

GROUPS = ("developers", "security", "operations")


def topic_words(env: Environment) -> list[tuple[str, ...]]:
    """The words that name each topic of `env`: a group's, and in tools the approvers' of a protected environment."""
    approved = [peer for peer in env.route if peer.protected] if env.kind == "tools" else []
    return [*((group,) for group in GROUPS), *(("approvers", peer.name) for peer in approved)]


def topic(logical_id: str, env: Environment, words: Sequence[str], key: KeyArn) -> sns.Topic:
    """The topic of one stakeholder group."""
    return sns.Topic(
        logical_id,
        TopicName=physical_name(env, "AWS::SNS::Topic", *words),
        DisplayName=" ".join([env.project.name, env.qualified, *words]),
        KmsMasterKeyId=key,
    )


def subscriptions(of: sns.Topic, addresses: Sequence[str]) -> list[sns.SubscriptionResource]:
    """One e-mail subscription an address; each person confirms theirs before anything arrives.

    The logical id comes from the address and not from its place in the list: a moved address would have to be confirmed
    again.
    """
    return [
        sns.SubscriptionResource(
            f"{of.title}Subscription{hashlib.sha256(address.encode()).hexdigest()[:8]}",
            TopicArn=of.ref(),
            Protocol="email",
            Endpoint=address,
        )
        for address in addresses
    ]


def topic_policy(logical_id: str, env: Environment, of: sns.Topic, *, told_by_aws: bool = True) -> sns.TopicPolicy:
    """Open to this environment's alarms and EventBridge rules where they tell it something, and to nobody without TLS.

    EventBridge and CloudWatch reach topics by resource policy, not by a role:
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
        on=of.ref(),
        to=Principal("*"),
        when=[Bool({"aws:SecureTransport": "false"})],
    )
    published = [
        allow(
            sid,
            [actions.Publish],
            on=of.ref(),
            to=Principal("Service", service),
            when=[mine, ArnLike({"aws:SourceArn": Sub(f"arn:${{AWS::Partition}}:{source}")})],
        )
        for sid, (service, source) in sources.items()
        if told_by_aws
    ]
    return sns.TopicPolicy(logical_id, Topics=[of.ref()], PolicyDocument=document([refuse_plain_text, *published]))
