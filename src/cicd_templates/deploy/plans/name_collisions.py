"""Finds new resources whose names are already taken. CloudFormation would fail to create these resources.

Such a name often belongs to a resource that was kept when a protected environment was destroyed. This module changes
nothing in AWS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from botocore.exceptions import BotoCoreError, ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.existing_resources import find_existing
from cicd_templates.deploy.aws.resource_types.operations import ExistingResource
from cicd_templates.deploy.aws.resource_types.registry import operations_of
from cicd_templates.deploy.change_sets.aws_commands import adopt_commands, for_caller
from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stack, live_resources
from cicd_templates.deploy.change_sets.stack_status_remedies import NEXT, Next
from cicd_templates.template.arn import Arn
from cicd_templates.template.resource_types.registry import facts_of
from cicd_templates.template.stack_template import StackTemplate
from cicd_templates.template.tags import MANAGED_BY, MANAGED_BY_KEY

# The maximum number of ARNs that GetResources accepts:
# https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
ARNS_AT_ONCE = 100
# CloudFormation tags resources with the stack's name; the tag stays on a resource that outlives the stack.
OF_STACK = "aws:cloudformation:stack-name"
# The id of that stack also contains its region and account.
OF_STACK_ID = "aws:cloudformation:stack-id"


@dataclass(frozen=True)
class Collision:
    """A resource name that is already taken.

    `owner` says who uses the name, if tags show it. `remedy` has lines with commands or advice.
    """

    stack: str
    logical_id: str
    resource_type: str
    name: str
    owner: str
    remedy: tuple[str, ...]


@dataclass(frozen=True)
class NameReport:
    """The resource names that are taken, in the order of the stacks, and the types that could not be looked up."""

    taken: tuple[Collision, ...]
    unread: tuple[str, ...]


@dataclass(frozen=True)
class _TakenName:
    stack: StackTemplate
    creates: bool
    logical_id: str
    resource_type: str
    name: str
    found: ExistingResource


def find_collisions(clients: Clients, stacks: Sequence[StackTemplate]) -> NameReport:
    """Find the new resources in `stacks` whose names other resources already have.

    The field `unread` of the result has the resource types that cannot be looked up. Errors of CloudFormation are
    raised; errors of other services are not.
    """
    unread: set[str] = set()
    taken = [each for stack in stacks for each in _taken_names(clients, stack, unread)]
    tagged = _with_tags(clients, [each.found for each in taken])
    return NameReport(
        tuple(_collision(clients, replace(each, found=found)) for each, found in zip(taken, tagged, strict=True)),
        tuple(sorted(unread)),
    )


def _taken_names(clients: Clients, stack: StackTemplate, unread: set[str]) -> Iterator[_TakenName]:
    described = describe_stack(clients, stack.name)
    creates = described is None or NEXT[described["StackStatus"]] in (Next.CREATE, Next.RECREATE)
    own = set() if described is None else {each["LogicalResourceId"] for each in live_resources(clients, stack.name)}
    for logical_id, resource in stack.resources.items():
        resource_type = resource["Type"]
        name = resource.get("Properties", {}).get(facts_of(resource_type).name_property)
        if logical_id in own or resource_type in unread or not isinstance(name, str):
            continue
        try:
            found = find_existing(clients, resource_type, name)
        except (ClientError, BotoCoreError):
            unread.add(resource_type)
            continue
        if found is not None:
            yield _TakenName(stack, creates, logical_id, resource_type, name, found)


def _with_tags(clients: Clients, found: Sequence[ExistingResource]) -> list[ExistingResource]:
    """Return the resources with their tags, or with None for tags that cannot be read."""
    asked = [each.arn for each in found if each.tags is None and each.arn]
    tags: dict[str, dict[str, str]] = {}
    try:
        for at in range(0, len(asked), ARNS_AT_ONCE):
            pages = clients.tagging.get_paginator("get_resources").paginate(
                ResourceARNList=asked[at : at + ARNS_AT_ONCE]
            )
            for page in pages:
                for each in page["ResourceTagMappingList"]:
                    tags[each["ResourceARN"]] = {tag["Key"]: tag["Value"] for tag in each.get("Tags", ())}
    except (ClientError, BotoCoreError):
        # The collision is reported even if the owner is unknown.
        return list(found)
    # The answer leaves out resources without tags.
    return [replace(each, tags=tags.get(each.arn, {})) if each.tags is None else each for each in found]


def _collision(clients: Clients, taken: _TakenName) -> Collision:
    stack, tags = taken.stack, taken.found.tags
    remedy = tuple(for_caller(line, clients, stack.account) for line in _remedy(clients, taken, tags or {}))
    return Collision(stack.label, taken.logical_id, taken.resource_type, taken.name, _owner(taken.found), remedy)


def _owner(found: ExistingResource) -> str:
    if found.foreign:
        return "the resource belongs to another account, or you are not allowed to read it"
    if found.tags is None:
        return "the tags of the resource cannot be read"
    made = [f"created by the stack {found.tags[OF_STACK]}"] if OF_STACK in found.tags else []
    shown = [f"{key}={value}" for key, value in sorted(found.tags.items()) if not key.startswith("aws:")]
    return ", ".join(made + shown) or "it has no tags"


def _remedy(clients: Clients, taken: _TakenName, tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the user can do about a name that is taken, such as commands that delete or import its resource."""
    stack = taken.stack
    ours = {MANAGED_BY_KEY: MANAGED_BY, "Project": stack.tags["Project"], "Environment": stack.tags["Environment"]}
    if not ours.items() <= tags.items():
        return (
            "the resource does not belong to this environment; ask the owner of the resource, or change a name in the"
            " configuration, such as the suffix or the name of the queue, table or service",
        )
    if used := _possible_use(clients, stack, tags):
        return (used,)
    policy = stack.resources[taken.logical_id].get("DeletionPolicy", "Delete")
    words = operations_of(taken.resource_type).delete_command.format(name=taken.name, arn=taken.found.arn)
    delete = f"aws {words} --region {stack.region}"
    if policy.startswith("Retain"):
        return (*adopt_commands(stack, creates=taken.creates), f"# or, if you do not need its content: {delete}")
    return (delete,)


def _possible_use(clients: Clients, stack: StackTemplate, tags: Mapping[str, str]) -> str:
    """Return why a resource with these tags may be in use.

    If the tags show that a deleted stack created the resource, return an empty string.
    """
    if OF_STACK_ID not in tags:
        return (
            "no tag says which stack created the resource, so it may be in use; choose another project name or"
            " suffix, or find out who uses the resource"
        )
    made_by = Arn.parse(tags[OF_STACK_ID])
    name = made_by.resource_name.partition("/")[0]
    if (made_by.account, made_by.region) != (stack.account, stack.region):
        return (
            f"the stack {name} (account {made_by.account}, {made_by.region}) created the resource and may still use it;"
            " destroy that stack first, with a configuration for its account and region, or choose another project name"
            " or suffix"
        )
    described = describe_stack(clients, tags[OF_STACK_ID])
    if described is not None and described["StackStatus"] != "DELETE_COMPLETE":
        return (
            f"the stack {name} created the resource and still exists (status {described['StackStatus']}); destroy that"
            " stack first, or choose another project name or suffix"
        )
    return ""
