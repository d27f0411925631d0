"""Checks whether every e-mail address that is subscribed to a topic has confirmed its subscription."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.deploy.change_sets.cloudformation_calls import live_resources
from cicd_templates.deploy.doctor.checks import Check, ExaminedEnvironment
from cicd_templates.template.arn import Arn

# SNS returns this in place of the subscription's ARN until the recipient opens the link in the confirmation mail:
# https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
PENDING = "PendingConfirmation"


def check_subscriptions(examined: ExaminedEnvironment) -> Iterator[Check]:
    """Yield a result for each e-mail address that is subscribed to a deployed topic."""
    deployed = [stack for stack in examined.stacks if stack not in examined.missing]
    for stack in deployed:
        if not any(examined.resources("AWS::SNS::Subscription", of=[stack])):
            continue
        for resource in live_resources(examined.clients, stack.name):
            if resource["ResourceType"] == "AWS::SNS::Topic" and resource.get("PhysicalResourceId"):
                yield from _check_topic(examined, resource["PhysicalResourceId"])


def _check_topic(examined: ExaminedEnvironment, topic: str) -> Iterator[Check]:
    pages = examined.clients.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    for page in pages:
        for subscription in page["Subscriptions"]:
            if subscription["Protocol"] not in ("email", "email-json"):
                continue
            name, address = Arn.parse(topic).resource, subscription["Endpoint"]
            if subscription["SubscriptionArn"] != PENDING:
                yield Check(f"subscription {name}", f"{address} has confirmed")
                continue
            protocol = subscription["Protocol"]
            again = f"aws sns subscribe --topic-arn {topic} --protocol {protocol} --notification-endpoint {address}"
            fix = f"open the link in the e-mail from AWS; to get the e-mail again: {again}"
            yield Check(f"subscription {name}", f"{address} has not confirmed, so it receives nothing", fix)
