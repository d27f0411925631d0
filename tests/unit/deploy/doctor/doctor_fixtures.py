"""Environments to check, and an account without problems unless a test adds some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cicd_templates.deploy.doctor import ExaminedEnvironment
from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.stack_template import StackTemplate
from tests.fakes.answering_aws import FakeAws
from tests.projects.stacks import stacks_of
from tests.unit.deploy.plans.test_name_collisions import account

TIME = datetime(2026, 1, 1, tzinfo=UTC)
STAGING = stacks_of("staging")
TOOLS = stacks_of("tools")
CERTIFICATE = "arn:aws:acm:eu-central-1:222222222222:certificate/00000000-0000-4000-8000-000000000002"
ISSUED = {"Status": "ISSUED", "DomainName": "shipping.staging.example.com", "CertificateArn": CERTIFICATE}
VALUED = {
    "ARN": "arn:aws:secretsmanager:eu-central-1:222222222222:secret:s",
    "VersionIdsToStages": {"v" * 32: ["AWSCURRENT"]},
}


def aws(answers: Mapping[str, Any] | None = None, *, deployed: bool = False) -> FakeAws:
    healthy = {
        "sts.get_caller_identity": {
            "Account": "222222222222",
            "Arn": "arn:aws:iam::222222222222:user/me",
            "UserId": "u",
        },
        "ec2.describe_regions": {"Regions": [{"RegionName": "eu-central-1", "OptInStatus": "opt-in-not-required"}]},
        "ec2.describe_vpcs": [{"Vpcs": [{"VpcId": "vpc-1"}]}, {"Vpcs": []}],
        "ec2.describe_addresses": {"Addresses": []},
        "iam.get_account_summary": {"SummaryMap": {"Roles": 20, "RolesQuota": 1000}},
        "quotas.get_service_quota": {"Quota": {"Value": 20.0}},
        "lambda_.get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 1000}},
        "acm.describe_certificate": {"Certificate": ISSUED},
        "secretsmanager.describe_secret": VALUED,
        "sns.list_subscriptions_by_topic": {"Subscriptions": []},
    }
    fake = account(deployed=deployed)
    fake.answers |= healthy | dict(answers or {})
    return fake


def examined(
    fake: FakeAws, stacks: list[StackTemplate] = STAGING, provided: Mapping[str, str] | None = None
) -> ExaminedEnvironment:
    return ExaminedEnvironment(fake, stacks, provided or {})  # type: ignore[arg-type] # the fake stands in


def rewritten(stack: StackTemplate, before: str, after: str) -> StackTemplate:
    """Return the stack with another text, as if the renderer had written that text."""
    assert before in stack.text
    body = stack.text.replace(before, after)
    return replace(stack, text=body, content=cloudformation_yaml.load(body))


def reserving(stack: StackTemplate) -> StackTemplate:
    """Return the stack as it is rendered with `reserve_concurrency = true`."""
    functions = {
        name: {**each, "Properties": {**each["Properties"], "ReservedConcurrentExecutions": 2}}
        for name, each in stack.resources.items()
        if each["Type"] == "AWS::Lambda::Function"
    }
    return replace(stack, content={**stack.content, "Resources": {**stack.resources, **functions}})


def layer(stacks: list[StackTemplate], name: str) -> StackTemplate:
    return next(stack for stack in stacks if stack.layer == name)
