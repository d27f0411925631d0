"""Looks, before a first deployment, at what would make it fail. Reads only."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from cicd_templates.deploy.changes import describe_stack
from cicd_templates.deploy.clients import Clients, require_account
from cicd_templates.deploy.stacks import Stack
from cicd_templates.errors import CicdError

OLDEST_PYTHON = (3, 11)
# What Lambda leaves to functions that reserve nothing.
UNRESERVED = 100
ECS_ROLE = "AWSServiceRoleForECS"


@dataclass(frozen=True)
class Check:
    """One thing looked at: fine where `fix` is empty."""

    subject: str
    finding: str
    fix: str = ""


def checks(clients: Clients, stacks: Sequence[Stack]) -> Iterator[Check]:
    """Python, credentials, account and region, the role that ECS needs, and names that are taken already."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("Python", version, "" if sys.version_info >= OLDEST_PYTHON else "install Python 3.11 or newer")
    try:
        yield Check("credentials", require_account(clients, stacks[0].account))
    except CicdError as error:
        yield Check("credentials", "not usable", str(error))
        return
    yield Check("region", stacks[0].region)
    if any(stack.layer == "cluster" for stack in stacks):
        yield _ecs_role(clients)
    if any(stack.layer == "pipeline" for stack in stacks):
        yield _concurrency(clients, stacks)
    yield from _taken_names(clients, stacks)


def _ecs_role(clients: Clients) -> Check:
    try:
        clients.iam.get_role(RoleName=ECS_ROLE)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            return Check("ECS role", "not readable", str(error))
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
        fix = "aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com"
        return Check("ECS role", f"{ECS_ROLE} is missing, and the first cluster would fail", fix)
    return Check("ECS role", f"{ECS_ROLE} exists")


def _taken_names(clients: Clients, stacks: Sequence[Stack]) -> Iterator[Check]:
    """What a stack would create although it exists: the `already exists` of half-cleaned environments.

    A destroyed protected environment keeps its data, and a deployment after that meets it here.
    """
    free = True
    existing = {kind: (name, set(names)) for kind, name, names in _existing_names(clients)}
    for stack in stacks:
        if describe_stack(clients, stack.name) is not None:
            continue
        for resource in stack.template["Resources"].values():
            name_property, names = existing.get(resource["Type"], ("", set()))
            name = resource["Properties"].get(name_property)
            if name in names:
                free = False
                fix = "import it into the stack, or delete it if nothing in it is needed"
                yield Check(f"{resource['Type']} {name}", f"exists, but {stack.label} is not deployed", fix)
    if free:
        yield Check("names", "no bucket, log group, repository or secret is in the way")


def _existing_names(clients: Clients) -> Iterator[tuple[str, str, Iterator[str]]]:
    """Type, property of the name, and the names that are there, of each type whose data outlives its stack."""
    buckets = clients.s3.list_buckets()["Buckets"]
    yield "AWS::S3::Bucket", "BucketName", (bucket["Name"] for bucket in buckets)
    groups = clients.logs.get_paginator("describe_log_groups").paginate()
    yield (
        "AWS::Logs::LogGroup",
        "LogGroupName",
        (group["logGroupName"] for page in groups for group in page["logGroups"]),
    )
    pages = clients.ecr.get_paginator("describe_repositories").paginate()
    yield (
        "AWS::ECR::Repository",
        "RepositoryName",
        (repository["repositoryName"] for page in pages for repository in page["repositories"]),
    )
    secrets = clients.secretsmanager.get_paginator("list_secrets").paginate()
    yield "AWS::SecretsManager::Secret", "Name", (each["Name"] for page in secrets for each in page["SecretList"])


def _concurrency(clients: Clients, stacks: Sequence[Stack]) -> Check:
    """Whether the account can reserve what the functions reserve: Lambda keeps 100 for everything else.

    A fresh account's quota may be 10, of which nothing can be reserved:
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    """
    wanted = sum(
        resource["Properties"].get("ReservedConcurrentExecutions", 0)
        for stack in stacks
        for resource in stack.template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    )
    limit = clients.lambda_.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    finding = f"{limit} functions may run at once, and ours reserve {wanted}"
    if not wanted or limit - wanted >= UNRESERVED:
        return Check("Lambda quota", finding)
    fix = "ask for a higher quota of concurrent executions, or set reserve_concurrency = false under [pipeline]"
    return Check("Lambda quota", finding, fix)
