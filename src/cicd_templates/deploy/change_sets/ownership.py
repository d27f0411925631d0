"""Determines from tags who owns a stack. Deletes change sets together with the empty stacks that they created.

Some stacks have no tags:

- A new stack has no tags until one of its change sets is executed. The tags of its change sets show the owner.
- A stack that was created by an import has no tags until it is updated. The tags in its template show the owner.
- If a stack in REVIEW_IN_PROGRESS has no change set, nothing in AWS shows the owner. The stack is ours only if a plan
  or a journal on this machine contains the stack's id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.aws_commands import for_caller
from cicd_templates.deploy.change_sets.cloudformation_calls import (
    EXECUTED,
    UNAVAILABLE,
    describe_stack,
    is_gone,
    live_resources,
)
from cicd_templates.deploy.change_sets.stack_status_remedies import commands
from cicd_templates.errors import RefusedError
from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.stack_facts import has_stack_facts, stack_facts
from cicd_templates.template.stack_template import StackTemplate
from cicd_templates.template.tags import MANAGED_BY, MANAGED_BY_KEY

CHANGE_SET_PREFIX = "cicd-templates-"
IN_REVIEW = "REVIEW_IN_PROGRESS"
# In these statuses, one of our stacks can still lack its tags.
UNTAGGED = frozenset({IN_REVIEW, "IMPORT_COMPLETE"})


class Owner(Enum):
    """The owner of a stack: this project, somebody else, or unknown.

    The owner is unknown if the stack is in REVIEW_IN_PROGRESS and has no change set.
    """

    OURS = "this project"
    OTHERS = "somebody else"
    UNKNOWN = "unknown"


def owner_tags(clients: Clients, existing: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of the stack `existing`.

    A stack that was only planned or imported has no tags yet:

    - For a planned stack, return the tags of a change set that this program created.
    - For an imported stack, return the tags in the stack's template.

    Return an empty dict if no such tags exist, or if the caller may not read them.
    """
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in existing.get("Tags", ())}
    if tags or existing["StackStatus"] not in UNTAGGED:
        return tags
    try:
        if existing["StackStatus"] == IN_REVIEW:
            return next(filter(_names_us, _tags_of_change_sets(clients, existing["StackId"])), {})
        return _tags_in_template(clients, existing["StackId"])
    except ClientError as error:
        if is_gone(error) or error.response["Error"]["Code"] in UNAVAILABLE:
            return {}
        raise


def _names_us(tags: Mapping[str, str]) -> bool:
    return tags.get(MANAGED_BY_KEY) == MANAGED_BY


def _tags_of_change_sets(clients: Clients, stack_id: str) -> Iterator[dict[str, str]]:
    for summary in list_change_sets(clients, stack_id):
        try:
            described = clients.cloudformation.describe_change_set(ChangeSetName=summary["ChangeSetId"])
        except ClientError as error:
            if not is_gone(error):
                raise
            continue
        tags = {tag["Key"]: tag["Value"] for tag in described.get("Tags", ())}
        if not tags and summary["ChangeSetName"].startswith(CHANGE_SET_PREFIX):
            # The change set of an import cannot have tags, so our templates repeat the tags in their metadata.
            tags = _tags_in_template(clients, stack_id, ChangeSetName=summary["ChangeSetId"])
        yield tags


def _tags_in_template(clients: Clients, stack_id: str, **change_set: str) -> dict[str, str]:
    answer: Any = clients.cloudformation.get_template(StackName=stack_id, TemplateStage="Original", **change_set)
    body = answer["TemplateBody"]
    # boto3 parses a JSON template, but returns a YAML template as text.
    template = cloudformation_yaml.load(body) if isinstance(body, str) else body
    return dict(stack_facts(template, stack_id).stack_tags) if has_stack_facts(template) else {}


def list_change_sets(clients: Clients, stack: str) -> list[Mapping[str, Any]]:
    """Return the summaries of all change sets of a stack. `stack` is the name or id of the stack."""
    pages = clients.cloudformation.get_paginator("list_change_sets").paginate(StackName=stack)
    return [summary for page in pages for summary in page["Summaries"]]


def owner_of(clients: Clients, existing: Mapping[str, Any], stack: StackTemplate) -> Owner:
    """Return the owner of `existing`, the deployed stack with the same name as `stack`."""
    tags = owner_tags(clients, existing)
    if tags:
        same_project = tags.get("Project") == stack.tags["Project"]
        return Owner.OURS if _names_us(tags) and same_project else Owner.OTHERS
    if existing["StackStatus"] == IN_REVIEW and not list_change_sets(clients, existing["StackId"]):
        return Owner.UNKNOWN
    return Owner.OTHERS


def require_ours(clients: Clients, existing: Mapping[str, Any], stack: StackTemplate) -> None:
    """Raise `RefusedError` unless this project owns the stack `existing`.

    `existing` is the description of the deployed stack with the same name as `stack`.
    """
    owner = owner_of(clients, existing, stack)
    if owner is Owner.UNKNOWN:
        delete = for_caller(commands(IN_REVIEW, stack.region, stack.name)[0], clients, stack.account)
        raise RefusedError(
            f"{stack.name}: an empty stack of this name is in {IN_REVIEW}, but it has neither tags nor a change set,"
            f" so its owner is unknown; if nobody needs it, delete it: `{delete}`"
        )
    if owner is Owner.OTHERS:
        raise RefusedError(
            f"{stack.name}: a stack of this name exists, but does not have both tags {MANAGED_BY_KEY}={MANAGED_BY} and "
            f"Project={stack.tags['Project']}, so this program does not change it; choose another project name or "
            "suffix"
        )


def discard_change_set(clients: Clients, arn: str, stack_id: str, *, creates: bool) -> None:
    """Delete the change set `arn` of the stack `stack_id`.

    If `creates` is true, the change set is for a new stack. If this stack has no resources and no other change set,
    delete the whole stack. CloudFormation then deletes the change set, too.
    """
    # Two requests, one for the change set and one for the stack, could be interrupted and leave an empty stack.
    if creates and _holds_nothing_else(clients, arn, stack_id):
        clients.cloudformation.delete_stack(StackName=stack_id)
        return
    try:
        clients.cloudformation.delete_change_set(ChangeSetName=arn)
    except ClientError as error:
        # A change set whose execution has started no longer belongs to a plan.
        if not is_gone(error) and error.response["Error"]["Code"] != "InvalidChangeSetStatus":
            raise


def _holds_nothing_else(clients: Clients, arn: str, stack_id: str) -> bool:
    """Return whether a stack is in REVIEW_IN_PROGRESS, has no resources, and has no change set other than `arn`.

    The function lists the resources, because the status of the stack can be out of date.
    """
    existing = describe_stack(clients, stack_id)
    if existing is None or existing["StackStatus"] != IN_REVIEW:
        return False
    try:
        waiting = list_change_sets(clients, stack_id)
    except ClientError as error:
        if is_gone(error):
            return False
        raise
    others = [each for each in waiting if each["ChangeSetId"] != arn or each.get("ExecutionStatus") in EXECUTED]
    return not others and not live_resources(clients, stack_id)
