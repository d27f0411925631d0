"""Checks whether the account's quotas suffice for the resources that a deployment would create."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from cicd_templates.deploy.aws.clients import explain
from cicd_templates.deploy.doctor.checks import Check, ExaminedEnvironment

# The concurrency that Lambda keeps for functions without a reservation:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
UNRESERVED = 100


@dataclass(frozen=True)
class Quota:
    """A quota of an AWS service, with its code in Service Quotas.

    `used` returns how much of the quota is in use. `wanted` returns how much more a deployment would use.
    """

    subject: str
    service: str
    code: str
    used: Callable[[ExaminedEnvironment], int]
    wanted: Callable[[ExaminedEnvironment], int]


def _builds(size: str) -> Callable[[ExaminedEnvironment], int]:
    """Return a function that estimates how many builds of the compute type `size` run at the same time.

    The builds of a pipeline stage run at the same time, but stages run one after the other. So the estimate is the
    smaller of two numbers: the build projects of this type, and the builds in the largest stage.
    """

    def wanted(examined: ExaminedEnvironment) -> int:
        projects = examined.resources("AWS::CodeBuild::Project")
        of_size = sum(1 for _, _, project in projects if project["Environment"]["ComputeType"] == size)
        stages = [
            sum(1 for action in stage["Actions"] if action["ActionTypeId"]["Provider"] == "CodeBuild")
            for _, _, pipeline in examined.resources("AWS::CodePipeline::Pipeline")
            for stage in pipeline["Stages"]
        ]
        return min(of_size, max(stages, default=0))

    return wanted


def _vcpus(examined: ExaminedEnvironment) -> int:
    """Return the number of vCPUs that all tasks use during a deployment, when old and new tasks run together."""
    total = 0.0
    for stack in examined.stacks:
        cpu = [int(task["Cpu"]) for _, _, task in examined.resources("AWS::ECS::TaskDefinition", of=[stack])]
        for _, _, service in examined.resources("AWS::ECS::Service", of=[stack]):
            most = service.get("DeploymentConfiguration", {}).get("MaximumPercent", 200)
            total += max(cpu, default=0) / 1024 * service.get("DesiredCount", 1) * most / 100
    return math.ceil(total)


def _count_created(resource_type: str) -> Callable[[ExaminedEnvironment], int]:
    return lambda examined: sum(1 for _ in examined.resources(resource_type, of=examined.missing))


def _vpcs(examined: ExaminedEnvironment) -> int:
    return sum(len(page["Vpcs"]) for page in examined.clients.ec2.get_paginator("describe_vpcs").paginate())


def _addresses(examined: ExaminedEnvironment) -> int:
    return len(examined.clients.ec2.describe_addresses()["Addresses"])


def _none(examined: ExaminedEnvironment) -> int:
    """Return 0, because no API says how much of the quota is used."""
    return 0


# The codes come from the AWS General Reference, pages "endpoints and quotas":
# https://docs.aws.amazon.com/general/latest/gr/codebuild.html, .../ecs-service.html, .../vpc-service.html
QUOTAS = (
    Quota("CodeBuild, small", "codebuild", "L-9D07B6EF", _none, _builds("BUILD_GENERAL1_SMALL")),
    Quota("CodeBuild, medium", "codebuild", "L-2DC20C30", _none, _builds("BUILD_GENERAL1_MEDIUM")),
    Quota("CodeBuild, large", "codebuild", "L-4DDC4A99", _none, _builds("BUILD_GENERAL1_LARGE")),
    Quota("Fargate vCPUs", "fargate", "L-3032A538", _none, _vcpus),
    Quota("VPCs", "vpc", "L-F678F1CE", _vpcs, _count_created("AWS::EC2::VPC")),
    Quota("Elastic IPs", "ec2", "L-0263D0A3", _addresses, _count_created("AWS::EC2::EIP")),
)


def check_quotas(examined: ExaminedEnvironment) -> Iterator[Check]:
    """Yield a result for each quota that a deployment of the environment would use."""
    for quota in QUOTAS:
        wanted = quota.wanted(examined)
        if wanted:
            yield _check_quota(examined, quota, wanted)
    if wanted := _count_created("AWS::IAM::Role")(examined):
        yield _check_iam_roles(examined, wanted)
    if wanted := _reserved_concurrency(examined):
        yield _check_concurrency(examined, wanted)


def _check_quota(examined: ExaminedEnvironment, quota: Quota, wanted: int) -> Check:
    if examined.clients.local:
        return Check(
            f"quota {quota.subject}", f"{wanted} needed; not checked, because the local AWS has no quotas", read=False
        )
    try:
        limit = int(
            examined.clients.quotas.get_service_quota(ServiceCode=quota.service, QuotaCode=quota.code)["Quota"]["Value"]
        )
        used = quota.used(examined)
    except (ClientError, BotoCoreError) as error:
        return Check(
            f"quota {quota.subject}", f"{wanted} needed, but the quota cannot be read: {explain(error)}", read=False
        )
    return _compare(quota.subject, used, wanted, limit, _increase_command(examined, quota, used + wanted))


def _compare(subject: str, used: int, wanted: int, limit: int, fix: str) -> Check:
    in_use = f"{used} in use, " if used else ""
    finding = f"{in_use}{wanted} needed, {limit} allowed"
    return Check(f"quota {subject}", finding, "" if used + wanted <= limit else fix)


def _increase_command(examined: ExaminedEnvironment, quota: Quota, value: int) -> str:
    return (
        f"aws service-quotas request-service-quota-increase --region {examined.stacks[0].region}"
        f" --service-code {quota.service} --quota-code {quota.code} --desired-value {value}"
    )


def _check_iam_roles(examined: ExaminedEnvironment, wanted: int) -> Check:
    """Return the result for the number of IAM roles. IAM's own API reports this number and its quota."""
    try:
        summary = examined.clients.iam.get_account_summary()["SummaryMap"]
    except (ClientError, BotoCoreError) as error:
        return Check("quota IAM roles", f"{wanted} needed, but the quota cannot be read: {explain(error)}", read=False)
    # IAM is a global service, so its quota L-FE177D64 is managed in us-east-1.
    fix = (
        "aws service-quotas request-service-quota-increase --region us-east-1 --service-code iam"
        f" --quota-code L-FE177D64 --desired-value {summary['Roles'] + wanted}"
    )
    return _compare("IAM roles", summary["Roles"], wanted, summary["RolesQuota"], fix)


def _reserved_concurrency(examined: ExaminedEnvironment) -> int:
    reserved: Counter[str] = Counter()
    for stack, _, function in examined.resources("AWS::Lambda::Function"):
        reserved[stack.name] += function.get("ReservedConcurrentExecutions", 0)
    return reserved.total()


def _check_concurrency(examined: ExaminedEnvironment, wanted: int) -> Check:
    """Yield the result for the concurrency that Lambda functions reserve.

    The quota of a new account may be 10, and then no function can reserve any concurrency.
    """
    limit = examined.clients.lambda_.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    finding = f"{limit} functions may run at once, but these stacks reserve {wanted}"
    if limit - wanted >= UNRESERVED:
        return Check("quota Lambda", finding)
    fix = "request a higher quota of concurrent executions, or set reserve_concurrency = false under [pipeline]"
    return Check("quota Lambda", finding, fix)
