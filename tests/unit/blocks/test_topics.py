"""Topics accept the alarms and events of the environment, and no others."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest

from templates import keys, notifications
from tests.conftest import environment


def built(*edits: tuple[str, Any]) -> dict[str, Any]:
    resources: dict[str, Any] = notifications.build(environment("staging", *edits)).template.to_dict()["Resources"]
    return resources


def of_type(resources: dict[str, Any], resource_type: str) -> dict[str, Any]:
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == resource_type}


def test_each_group_has_a_topic_under_the_key_with_a_policy_of_its_own() -> None:
    topics = of_type(built(), "AWS::SNS::Topic")

    assert [topic["TopicName"] for topic in topics.values()] == [
        "shipping-staging-developers",
        "shipping-staging-security",
        "shipping-staging-operations",
    ]
    assert all(topic["KmsMasterKeyId"] == {"Ref": "KeyArn"} for topic in topics.values())
    assert [policy["Topics"] for policy in of_type(built(), "AWS::SNS::TopicPolicy").values()] == [
        [{"Ref": name}] for name in topics
    ]


def test_the_key_lets_alarms_and_rules_publish_to_exactly_these_topics() -> None:
    policy = keys.build(environment("staging")).template.to_dict()["Resources"]["Key"]["Properties"]["KeyPolicy"]
    (statement,) = [each for each in policy["Statement"] if each["Sid"] == "LetAlarmsAndRulesPublish"]

    assert statement["Principal"] == {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]}
    named = statement["Condition"]["StringEquals"]["kms:EncryptionContext:aws:sns:topicArn"]
    assert [arn["Fn::Sub"].rpartition(":")[2] for arn in named] == [
        topic["TopicName"] for topic in of_type(built(), "AWS::SNS::Topic").values()
    ]


def test_a_changed_address_is_not_subscribed_again() -> None:
    one, other = "a@example.com", "b@example.com"

    def subscribed(*addresses: str) -> dict[str, str]:
        edit = ("environments/staging/stakeholders", {"security": list(addresses)})
        found = of_type(built(edit), "AWS::SNS::Subscription")
        return {name: properties["Endpoint"] for name, properties in found.items()}

    assert subscribed(one, other) == subscribed(other, one)
    assert set(subscribed(one, other).values()) == {one, other}
    assert subscribed(one).items() < subscribed(other, one).items()


def test_a_topic_admits_only_this_environments_alarms_and_rules_over_tls() -> None:
    for policy in of_type(built(), "AWS::SNS::TopicPolicy").values():
        refuse, alarms, rules = policy["PolicyDocument"]["Statement"]
        assert (refuse["Effect"], refuse["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
        for statement, source in ((alarms, ":alarm:shipping-staging-*"), (rules, ":rule/shipping-staging-*")):
            assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "222222222222"}
            assert statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(source)


@pytest.mark.parametrize("name", ["tools", "staging", "production"])
def test_a_message_that_no_subscriber_accepts_reaches_the_dead_letter_queue(name: str) -> None:
    resources = notifications.build(environment(name)).template.to_dict()["Resources"]
    subscriptions = of_type(resources, "AWS::SNS::Subscription")
    (policy,) = of_type(resources, "AWS::SQS::QueuePolicy").values()
    statements = {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}
    key = keys.build(environment(name)).template.to_dict()["Resources"]["Key"]["Properties"]["KeyPolicy"]
    (use,) = [each for each in key["Statement"] if each["Sid"] == "LetTopicsSendDeadLetters"]

    assert len(subscriptions) >= 2
    for subscription in subscriptions.values():
        assert subscription["RedrivePolicy"] == {"deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}
    admitted = statements["LetTopicsSendDeadLetters"]
    assert admitted["Principal"] == use["Principal"] == {"Service": "sns.amazonaws.com"}
    source = admitted["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].rpartition(":")[2]
    for topic in of_type(resources, "AWS::SNS::Topic").values():
        assert fnmatchcase(topic["TopicName"], source)
    queue = resources["DeadLetters"]["Properties"]["QueueName"]
    assert use["Condition"]["StringEquals"]["kms:EncryptionContext:aws:sqs:arn"]["Fn::Sub"].endswith(f":{queue}")
