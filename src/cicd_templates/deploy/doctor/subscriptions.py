"""Whether whoever is to be told has confirmed that by mail."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.deploy.change_sets.api import live_resources
from cicd_templates.deploy.doctor.checks import Check, Patient

# What SNS says in the place of an ARN until the link in the mail was opened:
# https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
PENDING = "PendingConfirmation"


def checks(patient: Patient) -> Iterator[Check]:
    """One check for each address of a topic that is deployed."""
    deployed = [stack for stack in patient.stacks if stack not in patient.missing]
    for stack in deployed:
        if not any(patient.resources("AWS::SNS::Subscription", of=[stack])):
            continue
        for resource in live_resources(patient.clients, stack.name):
            if resource["ResourceType"] == "AWS::SNS::Topic" and resource.get("PhysicalResourceId"):
                yield from _of_topic(patient, resource["PhysicalResourceId"])


def _of_topic(patient: Patient, topic: str) -> Iterator[Check]:
    pages = patient.clients.sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    for page in pages:
        for each in page["Subscriptions"]:
            if each["Protocol"] not in ("email", "email-json"):
                continue
            name, address = topic.rpartition(":")[2], each["Endpoint"]
            if each["SubscriptionArn"] != PENDING:
                yield Check(f"subscription {name}", f"{address} has confirmed")
                continue
            again = (
                f"aws sns subscribe --topic-arn {topic} --protocol {each['Protocol']} --notification-endpoint {address}"
            )
            fix = f"open the link in the mail from AWS; to have it sent again: {again}"
            yield Check(f"subscription {name}", f"{address} has not confirmed, and is told nothing", fix)
