"""Finds changes that CloudFormation accepts in a change set but cannot complete. Without this check, the execution
of the change set fails after other resources have changed or been deleted. This module changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.registry import operations_of
from cicd_templates.deploy.change_sets.aws_commands import for_caller
from cicd_templates.deploy.change_sets.cloudformation_calls import live_resources
from cicd_templates.template import schemas
from cicd_templates.template.changes.impact import Change, kept_name, kept_policy, replaces
from cicd_templates.template.deletion_protection import SETTINGS, protecting_setting
from cicd_templates.template.stack_template import StackTemplate


def impossible_changes(
    clients: Clients, stack: StackTemplate, changes: Sequence[Change], before: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return a line for each change of `stack` that is certain to fail, with the reason and what to do.

    `before` has the resources of the deployed template, keyed by logical id.
    """
    same_names = dict(_same_names(stack, changes))
    # To switch off the deletion protection of such a resource would not help.
    others = [change for change in changes if change.logical_id not in same_names]
    return (*same_names.values(), *_protected(clients, stack, others, before))


def _same_names(stack: StackTemplate, changes: Sequence[Change]) -> Iterator[tuple[str, str]]:
    """Find resources that must be replaced although their name stays the same. Yield each logical id, and a message.

    The replacement fails, because CloudFormation creates the new resource before it deletes the old one:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
    """
    for change in changes:
        if not replaces(change):
            continue
        properties = stack.resources.get(change.logical_id, {}).get("Properties", {})
        names = kept_name(change, properties, schemas.chosen_identifier(stack.region, change.resource_type))
        if names:
            causes = sorted({detail.name for detail in change.details if detail.recreation not in ("", "Never")})
            spelled = " and ".join(f"{name} {properties[name]}" for name in names)
            cause = f"{', '.join(causes)} cannot change without" if causes else "this change needs"
            yield (
                change.logical_id,
                f"{change.logical_id} ({change.resource_type}): {cause} a replacement; CloudFormation cannot "
                f"create the new resource while the old resource has the same {spelled}; undo this change, or make it "
                "in three steps: add a resource with another name, use only the added resource, remove the old one",
            )


def _protected(
    clients: Clients, stack: StackTemplate, changes: Sequence[Change], before: Mapping[str, Any]
) -> Iterator[str]:
    """Yield a line for each resource that would be deleted while its deletion protection is on.

    CloudFormation would first delete other resources, such as the instances of a database cluster, and then fail.
    """
    going = [
        change
        for change in changes
        if change.resource_type in SETTINGS
        and (change.action == "Remove" or replaces(change))
        and not kept_policy(change, before.get(change.logical_id, {}), stack.resources.get(change.logical_id, {}))
    ]
    if not going:
        return
    ids = {
        resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "")
        for resource in live_resources(clients, stack.name)
    }
    for change in going:
        name = ids.get(change.logical_id, "")
        setting = protecting_setting(before.get(change.logical_id, {}))
        protection = operations_of(change.resource_type).protection
        if protection and name:
            command = for_caller(protection.command.format(region=stack.region, name=name), clients, stack.account)
            remedy = f"switch it off first: {command}" if protection.is_on(clients, name) else ""
        else:
            remedy = f"first deploy a template with {setting} off" if setting else ""
        if remedy:
            yield (
                f"{change.logical_id} ({change.resource_type}) {name}: cannot be deleted, because its deletion"
                f" protection is on; {remedy}"
            )
