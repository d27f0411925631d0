"""The judgement of changes that were made outside CloudFormation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cicd_templates.deploy.change_sets.drift import DriftedResource, PropertyDrift, StackDrift
from cicd_templates.deploy.plans.web_page.drift import drift_facts, drift_warnings
from tests.unit.deploy.plans.test_document import PLAN

GROUP, QUEUE, TABLE = "AWS::EC2::SecurityGroup", "AWS::SQS::Queue", "AWS::DynamoDB::Table"
TOPIC, ROLE, BUCKET = "AWS::SNS::Topic", "AWS::IAM::Role", "AWS::S3::Bucket"


def resource(kind: str, status: str, *differences: tuple[str, str, str]) -> DriftedResource:
    return DriftedResource("R", kind, "x.yaml:1", status, tuple(PropertyDrift(*each) for each in differences))


def modified(kind: str, path: str, expected: str, actual: str) -> DriftedResource:
    return resource(kind, "MODIFIED", (path, expected, actual))


@pytest.mark.parametrize(
    ("drifted", "reason"),
    [
        (modified(GROUP, "/SecurityGroupIngress/2", "", "{}"), "opens the network"),
        (modified(GROUP, "/SecurityGroupEgress/0/ToPort", "443", "65535"), "network rule changed"),
        (modified(GROUP, "/SecurityGroupIngress/2", "{}", ""), ""),
        (modified("AWS::EC2::SecurityGroupIngress", "/CidrIp", "", "0.0.0.0/0"), "opens the network"),
        (modified(TABLE, "/DeletionProtectionEnabled", "true", "false"), "protection DeletionProtectionEnabled is off"),
        (modified("AWS::RDS::DBInstance", "/DeletionProtection", "true", ""), "protection DeletionProtection is off"),
        (modified("AWS::RDS::DBInstance", "/DeletionProtection", "false", "true"), ""),
        (modified("AWS::RDS::DBInstance", "/PubliclyAccessible", "false", "true"), "PubliclyAccessible is on"),
        (modified("AWS::RDS::DBInstance", "/PubliclyAccessible", "true", "false"), ""),
        (modified(BUCKET, "/VersioningConfiguration/Status", "Enabled", "Suspended"), "protection Status is off"),
        (modified("AWS::Logs::LogGroup", "/RetentionInDays", "365", "30"), "RetentionInDays shortened"),
        (modified("AWS::Logs::LogGroup", "/RetentionInDays", "365", "731"), ""),
        (modified("AWS::Logs::LogGroup", "/RetentionInDays", "365", "unknown"), "RetentionInDays shortened"),
        (modified(ROLE, "/Policies/0/PolicyDocument", "{}", "[]"), "Policies cannot be judged"),
        (modified(ROLE, "/Tags/0/Value", "a", "b"), ""),
        (modified(TABLE, "/BillingMode", "PROVISIONED", "PAY_PER_REQUEST"), "BillingMode cannot be judged"),
        (modified("AWS::SSM::Parameter", "/Value", "a", "b"), ""),
        (resource(TOPIC, "MODIFIED"), "cannot be judged, because no value is reported"),
        (resource(TOPIC, "UNKNOWN"), "cannot be judged, because it could not be read"),
        (resource(QUEUE, "DELETED"), "messages deleted"),
        (resource("AWS::CloudTrail::Trail", "DELETED"), "monitoring deleted"),
        (resource("AWS::S3::BucketPolicy", "DELETED"), "deleted; what it denied cannot be judged"),
        (resource("AWS::EC2::SecurityGroupIngress", "DELETED"), ""),
        (resource("AWS::SSM::Parameter", "DELETED"), ""),
    ],
)  # fmt: skip
def test_a_change_by_hand_is_judged_by_its_type_and_property(drifted: DriftedResource, reason: str) -> None:
    plan = replace(PLAN, drift=(StackDrift("data", (drifted,)),))

    assert drift_warnings([plan]) == ([f"data/R ({reason})"] if reason else [])


def test_equal_reasons_of_a_resource_are_one() -> None:
    rules = (("/SecurityGroupIngress/0", "", "{}"), ("/SecurityGroupIngress/1", "", "{}"))
    plan = replace(PLAN, drift=(StackDrift("data", (resource(GROUP, "MODIFIED", *rules),)),))

    assert drift_warnings([plan]) == ["data/R (opens the network)"]


@pytest.mark.parametrize(
    ("drifted", "words"),
    [
        (modified(TOPIC, "/DisplayName", "a", "b"), "DisplayName a \u2192 b"),
        (modified(TOPIC, "/DisplayName", "", "x" * 121), f"DisplayName added: {'x' * 119}\u2026"),
        (modified(TOPIC, "/DisplayName", "a", ""), "DisplayName removed: a"),
        (resource(TOPIC, "MODIFIED"), "modified, values not reported"),
        (resource(TOPIC, "UNKNOWN"), "could not be read"),
        (resource(TOPIC, "DELETED"), "deleted"),
    ],
)
def test_a_change_by_hand_is_named(drifted: DriftedResource, words: str) -> None:
    assert drift_facts([replace(PLAN, drift=(StackDrift("data", (drifted,)),))]) == f"Found: data/R: {words}."


def test_many_changes_by_hand_in_several_environments_are_counted() -> None:
    stack = StackDrift("data", (resource(TOPIC, "DELETED"),) * 4)
    plans = [replace(PLAN, environment=name, drift=(stack,)) for name in ("dev", "live")]

    assert drift_facts(plans) == (
        f"Found: {'; '.join(['dev: data/R: deleted'] * 4 + ['live: data/R: deleted'] * 2)}; and 2 more."
    )
    assert drift_facts([PLAN]) == ""
