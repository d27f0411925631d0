"""What each change of a change set means for people and data. Pure: works on what CloudFormation described.

A change is read as it comes from DescribeChangeSet, judged by its action, its type and the templates before and after
it, and never by guessing at what the service might do: what CloudFormation calls conditional stays conditional here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cicd_templates.template.resource_types.registry import facts_of

SAFE, IAM, INTERRUPTION, REPLACEMENT, DELETION = "safe", "IAM widening", "interruption", "replacement", "deletion"
MASKED = "(secret)"
SECRET_NAME = re.compile(r"secret(?!smanager|sanager|arn|id$)|password|passphrase|token|private_?key|api_?key", re.I)

PUBLISHED = "AWS::SSM::Parameter"


@dataclass(frozen=True)
class Detail:
    """One property that changes. `before` and `after` are empty where CloudFormation does not tell them."""

    attribute: str
    name: str
    path: str = ""
    before: str = ""
    after: str = ""
    recreation: str = ""


@dataclass(frozen=True)
class Change:
    """What would happen to one resource. `replacement` is True, False or Conditional, empty where it cannot be."""

    action: str
    logical_id: str
    resource_type: str
    replacement: str = ""
    policy_action: str = ""
    details: tuple[Detail, ...] = ()

    @property
    def properties(self) -> tuple[str, ...]:
        """The names of what changes, sorted."""
        return tuple(sorted({detail.name or detail.attribute for detail in self.details}))


@dataclass(frozen=True)
class Impact:
    """What a change means. `holds` is what a stateful resource keeps; `fate` what becomes of it; `why` an interruption.

    `certain` is False where CloudFormation itself says that it depends.
    """

    kind: str
    certain: bool = True
    holds: str = ""
    fate: str = ""
    why: str = ""

    @property
    def loses(self) -> bool:
        """Whether a stateful resource goes or is put in another's place."""
        return self.kind in (REPLACEMENT, DELETION) and bool(self.holds)


def change_of(described: Mapping[str, Any]) -> Change:
    """A `ResourceChange` of DescribeChangeSet, with values that may be secrets masked."""
    kind = described["ResourceType"]
    details = (_detail(kind, detail.get("Target", {})) for detail in described.get("Details", ()))
    return Change(
        described["Action"],
        described["LogicalResourceId"],
        kind,
        described.get("Replacement", ""),
        described.get("PolicyAction", ""),
        # CloudFormation names one property once for each reason to change it, in no order of its own.
        tuple(sorted(set(details), key=lambda detail: (detail.attribute, detail.name, detail.path, detail.after))),
    )


def _detail(resource_type: str, target: Mapping[str, Any]) -> Detail:
    path = target.get("Path", "")
    hidden = bool(SECRET_NAME.search(path or target.get("Name", ""))) or (
        resource_type == "AWS::SecretsManager::Secret" and target.get("Attribute") == "Properties"
    )
    before, after = (target.get(name, "") for name in ("BeforeValue", "AfterValue"))
    return Detail(
        target.get("Attribute", ""),
        target.get("Name", ""),
        path,
        MASKED if hidden and before else before,
        MASKED if hidden and after else after,
        target.get("RequiresRecreation", ""),
    )


def merged(plain: Iterable[Change], valued: Iterable[Change]) -> tuple[Change, ...]:
    """One list of changes from both descriptions of a change set.

    Asked for values, CloudFormation can drop changes or details and say so in a reason only; asked without, it tells
    all of them but no value. So the plain ones count, each with the details of the other where it has any.
    """
    by_id = {change.logical_id: change for change in valued}
    found = []
    for change in plain:
        other = by_id.pop(change.logical_id, change)
        known = {(detail.attribute, detail.name) for detail in other.details}
        rest = tuple(detail for detail in change.details if (detail.attribute, detail.name) not in known)
        found.append(replace(change, details=other.details + rest, policy_action=change.policy_action))
    return (*found, *by_id.values())


def assess(change: Change, before: Mapping[str, Any], after: Mapping[str, Any], *, widens: bool) -> Impact:
    """What `change` means, by the resources of the template before and after it; `widens` says that it grants more."""
    old, new = before.get(change.logical_id, {}), after.get(change.logical_id, {})
    holds = _holds(change, old, before)
    match change:
        case Change(action="Remove"):
            fate = _fate(change.policy_action or str(old.get("DeletionPolicy", "Delete")), change.resource_type)
            return Impact(DELETION, holds=holds, fate=fate)
        case Change(action="Dynamic") | Change(action="Modify", replacement="True" | "Conditional"):
            policy = change.policy_action or str(new.get("UpdateReplacePolicy", "Delete"))
            certain = change.action == "Modify" and change.replacement == "True"
            return Impact(REPLACEMENT, certain, holds, _fate(policy, change.resource_type))
    why = interruption(change)
    if why:
        return Impact(INTERRUPTION, why=why)
    return Impact(IAM if widens else SAFE)


def _holds(change: Change, old: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """What would be lost with a resource, or nothing."""
    if change.resource_type == "AWS::IAM::Role":
        # Policies that name a role keep its inner id: one of the same name that is made anew is another to them.
        used = "RoleName" in old.get("Properties", {}) or _published(change.logical_id, before)
        return "a role that other policies and stacks name" if used else ""
    stated = "what its DeletionPolicy is about" if "DeletionPolicy" in old else ""
    return facts_of(change.resource_type).loss or stated


def _published(logical_id: str, before: Mapping[str, Any]) -> bool:
    """Whether a parameter of the stack hands a resource to other stacks."""
    mentions = re.compile(rf"\b{re.escape(logical_id)}\b")
    return any(
        mentions.search(str(resource.get("Properties", {}).get("Value", "")))
        for resource in before.values()
        if resource["Type"] == PUBLISHED
    )


def _fate(policy: str, resource_type: str) -> str:
    """What becomes of the data, by `PolicyAction` or by the template's own policy where AWS does not report one.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
    """
    match policy.removeprefix("ReplaceAnd"):
        case "Retain" | "RetainExceptOnCreate":
            return "kept, outside the stack"
        case "Snapshot":
            return "deleted, a snapshot is kept"
        case _ if resource_type == "AWS::KMS::Key":
            return "scheduled for deletion; until its day it can be kept"
        case _:
            return "deleted"


def interruption(change: Change) -> str:
    """Why an edit in place interrupts what runs; empty where it does not."""
    interruption_of_type = facts_of(change.resource_type).interruption
    if change.action != "Modify" or interruption_of_type is None:
        return ""
    properties = interruption_of_type.properties
    edited = {detail.name for detail in change.details if detail.attribute == "Properties"} - {"Tags", "TagsAll"}
    return interruption_of_type.reason if (edited if properties is None else edited & properties) else ""


def total(changes: Sequence[Change]) -> dict[str, int]:
    """How many resources each action touches, replacements counted apart; in the order of reading."""
    counts = {"Add": 0, "Modify": 0, "Replace": 0, "Remove": 0}
    for change in changes:
        replaced = change.action == "Modify" and change.replacement in ("True", "Conditional")
        action = "Replace" if replaced else change.action
        counts[action] = counts.get(action, 0) + 1
    return {action: count for action, count in counts.items() if count}
