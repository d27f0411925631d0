"""The resources that a deployment would create, compared with the quotas of the account."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.deploy.doctor import quotas
from cicd_templates.template.stack_template import StackTemplate
from tests.fakes.answering_aws import denied
from tests.unit.deploy.doctor.doctor_fixtures import (
    STAGING,
    TOOLS,
    aws,
    examined,
    layer,
    reserving,
    rewritten,
)

CODES = {
    "CodeBuild, small": ("codebuild", "L-9D07B6EF"),
    "CodeBuild, medium": ("codebuild", "L-2DC20C30"),
    "Fargate vCPUs": ("fargate", "L-3032A538"),
    "VPCs": ("vpc", "L-F678F1CE"),
    "Elastic IPs": ("ec2", "L-0263D0A3"),
}
ROLES = sum(resource["Type"] == "AWS::IAM::Role" for stack in STAGING for resource in stack.resources.values())


def found(stacks: list[StackTemplate], **answers: Any) -> dict[str, tuple[str, str]]:
    deployed = bool(answers.pop("deployed", False))
    seen = quotas.check_quotas(examined(aws(answers, deployed=deployed), stacks))
    return {check.subject.removeprefix("quota "): (check.finding, check.fix) for check in seen}


def allowing(value: float) -> dict[str, Any]:
    return {"quotas.get_service_quota": {"Quota": {"Value": value}}}


def test_a_runtime_environment_takes_its_tasks_network_and_roles() -> None:
    assert found(STAGING) == {
        "Fargate vCPUs": ("1 needed, 20 allowed", ""),
        "VPCs": ("1 in use, 1 needed, 20 allowed", ""),
        "Elastic IPs": ("1 needed, 20 allowed", ""),
        "IAM roles": (f"20 in use, {ROLES} needed, 1000 allowed", ""),
    }


def test_the_tools_environment_takes_as_many_builds_as_a_stage_starts_at_once() -> None:
    seen = found([reserving(stack) for stack in TOOLS])

    assert seen["CodeBuild, small"] == ("5 needed, 20 allowed", "")
    assert seen["CodeBuild, medium"] == ("1 needed, 20 allowed", "")
    assert seen["Lambda"] == ("1000 functions may run at once, but these stacks reserve 12", "")


@pytest.mark.parametrize("subject", CODES)
def test_a_quota_that_is_too_small_comes_with_the_request_that_raises_it(subject: str) -> None:
    stacks = TOOLS if subject.startswith("CodeBuild") else STAGING
    finding, fix = found(stacks, **allowing(0.0))[subject]
    service, code = CODES[subject]

    assert finding.endswith(" needed, 0 allowed")
    assert fix.startswith(
        "aws service-quotas request-service-quota-increase --region eu-central-1"
        f" --service-code {service} --quota-code {code} --desired-value "
    )
    assert int(fix.rpartition(" ")[2]) >= 1


def test_iam_is_asked_for_itself() -> None:
    full = {"iam.get_account_summary": {"SummaryMap": {"Roles": 998, "RolesQuota": 1000}}}

    assert found(STAGING, **full)["IAM roles"][1].endswith(f"--quota-code L-FE177D64 --desired-value {998 + ROLES}")


def test_existing_resources_need_no_more_quota() -> None:
    assert set(found(STAGING, deployed=True)) == {"Fargate vCPUs"}


def test_a_quota_that_may_not_be_read_is_neither_fine_nor_wrong() -> None:
    seen = list(
        quotas.check_quotas(examined(aws({"quotas.get_service_quota": denied(), "iam.get_account_summary": denied()})))
    )

    assert {check.status for check in seen} == {"?"}
    assert seen[0].finding.startswith("1 needed, but the quota cannot be read: An error occurred (AccessDenied)")


def test_the_local_aws_has_no_quotas() -> None:
    fake = aws()
    fake.endpoint_url = "http://127.0.0.1:4566"
    seen = next(iter(quotas.check_quotas(examined(fake))))

    assert (seen.status, seen.finding) == ("?", "1 needed; not checked, because the local AWS has no quotas")
    assert fake.calls == []


@pytest.mark.parametrize(("limit", "fixed"), [(112, False), (111, True), (10, True)])
def test_what_functions_reserve_must_leave_a_hundred(limit: int, fixed: bool) -> None:
    answer = {"lambda_.get_account_settings": {"AccountLimit": {"ConcurrentExecutions": limit}}}

    stacks = [reserving(stack) for stack in TOOLS]
    assert ("reserve_concurrency = false" in found(stacks, **answer)["Lambda"][1]) == fixed
    assert "Lambda" not in found(TOOLS, **answer)


def test_the_tasks_of_a_deployment_run_beside_those_that_they_replace() -> None:
    service = rewritten(layer(STAGING, "service"), "DesiredCount: 1", "DesiredCount: 3")

    assert found([service])["Fargate vCPUs"][0] == "2 needed, 20 allowed"


def test_every_environment_without_builds_or_tasks_is_asked_for_nothing() -> None:
    assert found([layer(STAGING, "keys")]) == {}
