"""What is left after a destruction, and whether each thing is meant to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from cicd_templates.deploy.changes import is_ours, live_resources
from cicd_templates.deploy.clients import Clients
from cicd_templates.deploy.stacks import Stack


@dataclass(frozen=True)
class Owned:
    """A resource that a stack had; `policy` is its DeletionPolicy."""

    stack: str
    logical_id: str
    resource_type: str
    physical_id: str
    policy: str


@dataclass(frozen=True)
class Remainder:
    """Something that is left. `explained` says that it is meant to be, and `reason` why, or what to do about it."""

    resource_type: str
    name: str
    reason: str
    explained: bool


def remains(clients: Clients, stacks: Sequence[Stack], owned: Iterable[Owned]) -> list[Remainder]:
    """Everything left of `stacks`: what their policies keep, keys that wait, and what has our names all the same."""
    found = [*_kept_by_policy(owned), *_waiting_keys(clients, owned)]
    known = {remainder.name for remainder in found}
    found += [other for other in _by_name(clients, stacks) if other.name not in known]
    return sorted(found, key=lambda left: (left.explained, left.resource_type, left.name))


def _kept_by_policy(owned: Iterable[Owned]) -> Iterator[Remainder]:
    for resource in owned:
        if resource.policy.startswith("Retain"):
            reason = f"kept by policy: its data outlives the stack {resource.stack}"
            yield Remainder(resource.resource_type, resource.physical_id, reason, explained=True)


def _waiting_keys(clients: Clients, owned: Iterable[Owned]) -> Iterator[Remainder]:
    for resource in owned:
        if resource.resource_type != "AWS::KMS::Key" or resource.policy.startswith("Retain"):
            continue
        try:
            key = clients.kms.describe_key(KeyId=resource.physical_id)["KeyMetadata"]
        except clients.kms.exceptions.NotFoundException:
            continue
        if key["KeyState"] == "PendingDeletion":
            reason = f"KMS deletes it on {key['DeletionDate']:%Y-%m-%d}; until then it can be kept"
            yield Remainder(resource.resource_type, resource.physical_id, reason, explained=True)
        else:
            reason = f"its stack is gone, but it is {key['KeyState']}; schedule its deletion"
            yield Remainder(resource.resource_type, resource.physical_id, reason, explained=False)


def _by_name(clients: Clients, stacks: Sequence[Stack]) -> Iterator[Remainder]:
    """What bears the environment's names although no stack owns it: services make such things beside the stacks."""
    owned = _owned_by_live_stacks(clients, stacks[0])
    for resource_type, name in _named_alike(clients, stacks[0]):
        if name not in owned:
            yield Remainder(resource_type, name, "no stack owns it", explained=False)


def _named_alike(clients: Clients, stack: Stack) -> Iterator[tuple[str, str]]:
    """Type and name of what is named as the environment of `stack` names things."""
    prefix = f"{stack.facts['Project']}-{stack.links.environment}-"
    for bucket in clients.s3.list_buckets()["Buckets"]:
        if bucket["Name"].startswith(prefix) and _is_ours(clients, bucket["Name"], stack.facts["Environment"]):
            yield "AWS::S3::Bucket", bucket["Name"]
    root = stack.parameter_root
    for page in clients.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=root):
        for group in page["logGroups"]:
            yield "AWS::Logs::LogGroup", group["logGroupName"]
    for found in clients.ssm.get_paginator("get_parameters_by_path").paginate(Path=root, Recursive=True):
        for parameter in found["Parameters"]:
            yield "AWS::SSM::Parameter", parameter["Name"]


def _owned_by_live_stacks(clients: Clients, stack: Stack) -> set[str]:
    """Physical ids of everything in the project's stacks that exist now, those of copies among them."""
    live = [
        other["StackName"]
        for page in clients.cloudformation.get_paginator("describe_stacks").paginate()
        for other in page["Stacks"]
        if is_ours(other, stack)
    ]
    return {
        resource["PhysicalResourceId"]
        for name in live
        for resource in live_resources(clients, name)
        if resource.get("PhysicalResourceId")
    }


def _is_ours(clients: Clients, bucket: str, environment: str) -> bool:
    """Whether a bucket has this environment's tag: the name of one environment can begin like another's."""
    try:
        tags = clients.s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ClientError:
        return False
    return {"Key": "Environment", "Value": environment} in [dict(tag) for tag in tags]
