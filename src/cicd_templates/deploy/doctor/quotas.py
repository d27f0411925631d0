"""Whether the account may have as much as a deployment would take."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from cicd_templates.deploy.aws.clients import explained
from cicd_templates.deploy.doctor.checks import Check, Patient

# What Lambda leaves to functions that reserve nothing:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
UNRESERVED = 100


@dataclass(frozen=True)
class Quota:
    """A quota by Service Quotas' own codes; `used` and `wanted` are what is there and what would be added."""

    subject: str
    service: str
    code: str
    used: Callable[[Patient], int]
    wanted: Callable[[Patient], int]


def _builds(size: str) -> Callable[[Patient], int]:
    """As many builds of a size as one stage of the pipeline starts at once."""

    def wanted(patient: Patient) -> int:
        projects = patient.resources("AWS::CodeBuild::Project")
        of_size = sum(1 for _, _, each in projects if each["Environment"]["ComputeType"] == size)
        stages = [
            sum(1 for action in stage["Actions"] if action["ActionTypeId"]["Provider"] == "CodeBuild")
            for _, _, pipeline in patient.resources("AWS::CodePipeline::Pipeline")
            for stage in pipeline["Stages"]
        ]
        return min(of_size, max(stages, default=0))

    return wanted


def _vcpus(patient: Patient) -> int:
    """vCPUs of every task while a deployment runs the old ones and the new ones."""
    total = 0.0
    for stack in patient.stacks:
        cpu = [int(each["Cpu"]) for _, _, each in patient.resources("AWS::ECS::TaskDefinition", of=[stack])]
        for _, _, service in patient.resources("AWS::ECS::Service", of=[stack]):
            most = service.get("DeploymentConfiguration", {}).get("MaximumPercent", 200)
            total += max(cpu, default=0) / 1024 * service.get("DesiredCount", 1) * most / 100
    return math.ceil(total)


def _created(resource_type: str) -> Callable[[Patient], int]:
    return lambda patient: sum(1 for _ in patient.resources(resource_type, of=patient.missing))


def _vpcs(patient: Patient) -> int:
    return sum(len(page["Vpcs"]) for page in patient.clients.ec2.get_paginator("describe_vpcs").paginate())


def _addresses(patient: Patient) -> int:
    return len(patient.clients.ec2.describe_addresses()["Addresses"])


def _none(patient: Patient) -> int:
    """How much of it is in use no API tells."""
    return 0


# The codes are those of the AWS General Reference's pages on endpoints and quotas:
# https://docs.aws.amazon.com/general/latest/gr/codebuild.html, .../ecs-service.html, .../vpc-service.html
QUOTAS = (
    Quota("CodeBuild, small", "codebuild", "L-9D07B6EF", _none, _builds("BUILD_GENERAL1_SMALL")),
    Quota("CodeBuild, medium", "codebuild", "L-2DC20C30", _none, _builds("BUILD_GENERAL1_MEDIUM")),
    Quota("CodeBuild, large", "codebuild", "L-4DDC4A99", _none, _builds("BUILD_GENERAL1_LARGE")),
    Quota("Fargate vCPUs", "fargate", "L-3032A538", _none, _vcpus),
    Quota("VPCs", "vpc", "L-F678F1CE", _vpcs, _created("AWS::EC2::VPC")),
    Quota("Elastic IPs", "ec2", "L-0263D0A3", _addresses, _created("AWS::EC2::EIP")),
)


def checks(patient: Patient) -> Iterator[Check]:
    """One check for each quota of which the environment takes anything."""
    for quota in QUOTAS:
        wanted = quota.wanted(patient)
        if wanted:
            yield _checked(patient, quota, wanted)
    if wanted := _created("AWS::IAM::Role")(patient):
        yield _iam_roles(patient, wanted)
    if wanted := _reserved(patient):
        yield _concurrency(patient, wanted)


def _checked(patient: Patient, quota: Quota, wanted: int) -> Check:
    if patient.clients.local:
        return Check(f"quota {quota.subject}", f"{wanted} wanted, quotas are not known on the local AWS", read=False)
    try:
        limit = int(
            patient.clients.quotas.get_service_quota(ServiceCode=quota.service, QuotaCode=quota.code)["Quota"]["Value"]
        )
        used = quota.used(patient)
    except (ClientError, BotoCoreError) as error:
        return Check(f"quota {quota.subject}", f"{wanted} wanted, quota not readable: {explained(error)}", read=False)
    return _verdict(quota.subject, used, wanted, limit, _raising(patient, quota, used + wanted))


def _verdict(subject: str, used: int, wanted: int, limit: int, fix: str) -> Check:
    in_use = f"{used} in use, " if used else ""
    finding = f"{in_use}{wanted} wanted, {limit} allowed"
    return Check(f"quota {subject}", finding, "" if used + wanted <= limit else fix)


def _raising(patient: Patient, quota: Quota, value: int) -> str:
    return (
        f"aws service-quotas request-service-quota-increase --region {patient.stacks[0].region}"
        f" --service-code {quota.service} --quota-code {quota.code} --desired-value {value}"
    )


def _iam_roles(patient: Patient, wanted: int) -> Check:
    """IAM tells its quotas itself, wherever it is asked from."""
    try:
        summary = patient.clients.iam.get_account_summary()["SummaryMap"]
    except (ClientError, BotoCoreError) as error:
        return Check("quota IAM roles", f"{wanted} wanted, quota not readable: {explained(error)}", read=False)
    # L-FE177D64 lives in us-east-1, as IAM is global.
    fix = (
        "aws service-quotas request-service-quota-increase --region us-east-1 --service-code iam"
        f" --quota-code L-FE177D64 --desired-value {summary['Roles'] + wanted}"
    )
    return _verdict("IAM roles", summary["Roles"], wanted, summary["RolesQuota"], fix)


def _reserved(patient: Patient) -> int:
    reserved: Counter[str] = Counter()
    for stack, _, function in patient.resources("AWS::Lambda::Function"):
        reserved[stack.name] += function.get("ReservedConcurrentExecutions", 0)
    return reserved.total()


def _concurrency(patient: Patient, wanted: int) -> Check:
    """A fresh account's quota may be 10, of which nothing can be reserved."""
    limit = patient.clients.lambda_.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    finding = f"{limit} functions may run at once, and ours reserve {wanted}"
    if limit - wanted >= UNRESERVED:
        return Check("quota Lambda", finding)
    fix = "ask for a higher quota of concurrent executions, or set reserve_concurrency = false under [pipeline]"
    return Check("quota Lambda", finding, fix)
