"""Describes how each change of a change set affects people and data. Does not call AWS.

The input is the answer of DescribeChangeSet. A change is judged by its action, its resource type, and the old and
the new template. If CloudFormation reports a replacement as conditional, the result says so, too.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cicd_templates.template.changes.masking import mask, not_compared, reported_as_hidden
from cicd_templates.template.resource_types.registry import facts_of

SAFE, IAM, INTERRUPTION, REPLACEMENT, DELETION = "safe", "IAM widening", "interruption", "replacement", "deletion"
PERHAPS_REPLACE = "Perhaps replace"
# CloudFormation writes this text instead of a value that does not exist before the change set is executed.
UNKNOWN_VALUE = "{{changeSet:KNOWN_AFTER_APPLY}}"
KNOWN_LATER = "(known after the deployment)"

PUBLISHED = "AWS::SSM::Parameter"
SAME_NAME = "a replacement would fail, because the old resource still has the same name"


@dataclass(frozen=True)
class Detail:
    """A property that changes. `before` and `after` are empty if CloudFormation does not report these values.

    If the property changes only because it refers to an attribute of another resource, `cause` is this attribute, such
    as `Key.Arn`. Otherwise, `cause` is empty.
    """

    attribute: str
    name: str
    path: str = ""
    before: str = ""
    after: str = ""
    recreation: str = ""
    cause: str = ""


@dataclass(frozen=True)
class Change:
    """What a change set would do to one resource.

    `replacement` is `True`, `False` or `Conditional`. It is empty if the resource is not modified.
    """

    action: str
    logical_id: str
    resource_type: str
    replacement: str = ""
    policy_action: str = ""
    details: tuple[Detail, ...] = ()

    @property
    def properties(self) -> tuple[str, ...]:
        """The names of the properties and attributes that change, sorted."""
        return tuple(sorted({detail.name or detail.attribute for detail in self.details}))


@dataclass(frozen=True)
class Impact:
    """The effect of a change on people and data.

    - `certain` is false if CloudFormation does not know yet whether it will replace the resource.
    - `holds` names the data in a stateful resource.
    - `fate` says what happens to this data.
    - `why` explains the effect. For a deletion, for example, `why` says what no longer works.
    """

    kind: str
    certain: bool = True
    holds: str = ""
    fate: str = ""
    why: str = ""

    @property
    def loses(self) -> bool:
        """Whether a stateful resource is deleted or replaced."""
        return self.kind in (REPLACEMENT, DELETION) and bool(self.holds)


def change_of(described: Mapping[str, Any]) -> Change:
    """Return the `Change` for `described`, a `ResourceChange` of DescribeChangeSet. Mask values that may be secrets."""
    kind = described["ResourceType"]
    details = (_detail(kind, detail) for detail in described.get("Details", ()))
    return Change(
        described["Action"],
        described["LogicalResourceId"],
        kind,
        described.get("Replacement", ""),
        described.get("PolicyAction", ""),
        # CloudFormation lists a property once for each reason to change it, in no particular order.
        tuple(
            sorted(
                set(details),
                key=lambda detail: (detail.attribute, detail.name, detail.path, detail.after, detail.cause),
            )
        ),
    )


def _detail(resource_type: str, described: Mapping[str, Any]) -> Detail:
    target = described.get("Target", {})
    path, attribute = target.get("Path", ""), target.get("Attribute", "")
    # Only the properties of a secret contain its value. Its tags and its deletion policy do not.
    holder = resource_type if attribute == "Properties" else ""
    before, after = (
        mask(holder, path or target.get("Name", ""), target.get(name, "")).replace(UNKNOWN_VALUE, KNOWN_LATER)
        for name in ("BeforeValue", "AfterValue")
    )
    reported = target.get("BeforeValue", "")
    if reported != target.get("AfterValue", "") or reported_as_hidden(reported):
        after = not_compared(before, after)
    follows = (described.get("ChangeSource"), described.get("Evaluation")) == ("ResourceAttribute", "Dynamic")
    cause = described.get("CausingEntity", "") if follows else ""
    return Detail(attribute, target.get("Name", ""), path, before, after, target.get("RequiresRecreation", ""), cause)


def merged(plain: Iterable[Change], valued: Iterable[Change]) -> tuple[Change, ...]:
    """Return all changes of a change set, with property values where they are known.

    `plain` and `valued` are two descriptions of the change set. `plain` has all changes, but no property values.
    `valued` has property values, but may lack changes.

    If only the tags of a resource change, CloudFormation also lists the properties that refer to this resource. The
    values of these properties stay the same, so the result leaves the properties out.
    """
    by_id = {change.logical_id: change for change in valued}
    found = []
    for change in plain:
        other = by_id.pop(change.logical_id, change)
        known = {(detail.attribute, detail.name) for detail in other.details}
        rest = tuple(detail for detail in change.details if (detail.attribute, detail.name) not in known)
        found.append(replace(change, details=other.details + rest, policy_action=change.policy_action))
    return _without_kept_references((*found, *by_id.values()))


def _without_kept_references(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Return `changes` without the properties that keep their value.

    If only the tags of a resource change, CloudFormation reports that other resources which refer to it may be changed
    or replaced. In fact, the properties with these references keep their values.
    """
    kept = {change.logical_id: change for change in changes if _keeps_attributes(change)}
    while lost := [name for name, change in kept.items() if not all(_is_kept(each, kept) for each in change.details)]:
        for name in lost:
            del kept[name]
    return tuple(_without_kept(change, kept) for change in changes)


def _without_kept(change: Change, kept: Container[str]) -> Change:
    details = tuple(detail for detail in change.details if detail.cause.partition(".")[0] not in kept)
    if len(details) == len(change.details):
        return change
    replaced = any(detail.recreation not in ("", "Never") for detail in details)
    replacement = change.replacement if replaced or change.replacement != "Conditional" else "False"
    return replace(
        change,
        replacement=replacement,
        policy_action=change.policy_action if replacement == change.replacement else "",
        # A change without properties would look empty.
        details=details or change.details,
    )


def _keeps_attributes(change: Change) -> bool:
    """Return whether the resource of `change` would keep its attributes if only its tags changed.

    The result is false for custom resources and nested stacks, because their attributes can depend on their tags.
    """
    in_place = change.action == "Modify" and change.replacement in ("", "False", "Conditional") and change.details
    return bool(in_place) and re.match(r"AWS::(?!CloudFormation::)", change.resource_type) is not None


def _is_kept(detail: Detail, kept: Container[str]) -> bool:
    """Return whether `detail`, one detail of a resource's change, cannot change an attribute of the resource.

    This is the case if only tags change, or if the cause is a reference to a resource in `kept`, whose attributes do
    not change.
    """
    return is_about_tags(detail) or detail.cause.partition(".")[0] in kept


def is_about_tags(detail: Detail) -> bool:
    """Return whether `detail` is a change of the resource's tags."""
    return detail.attribute == "Tags" or detail.name in ("Tags", "TagsAll")


def assess(change: Change, before: Mapping[str, Any], after: Mapping[str, Any], *, widens: bool) -> Impact:
    """Return the effect of `change` on people and data.

    `before` has the resources of the old template, and `after` those of the new template, keyed by logical id. `widens`
    is true if the change grants more permissions.
    """
    old, new = before.get(change.logical_id, {}), after.get(change.logical_id, {})
    holds = _holds(change, old, before)
    match change:
        case Change(action="Remove"):
            policy = _policy(change, old, new)
            why = "" if policy.startswith("Retain") else facts_of(change.resource_type).ends_with_it
            return Impact(DELETION, holds=holds, fate=_fate(policy, change.resource_type), why=why)
        case Change(action="Dynamic") | Change(action="Modify", replacement="True" | "Conditional"):
            fate = _fate(_policy(change, old, new), change.resource_type)
            unsure = change.replacement != "True" and bool(kept_name(change, new.get("Properties", {})))
            return Impact(REPLACEMENT, replaces(change), holds, fate, SAME_NAME if unsure else "")
    why = interruption(change)
    if why:
        return Impact(INTERRUPTION, why=why)
    return Impact(IAM if widens else SAFE, why=irreversible(change))


def replaces(change: Change) -> bool:
    """Return whether the change is certain to replace the resource."""
    return change.action == "Modify" and change.replacement == "True"


def kept_name(change: Change, properties: Mapping[str, Any], identifier: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the properties because of which a replacement of the resource would fail.

    CloudFormation creates the new resource before it deletes the old resource. So a replacement fails if a property
    keeps a value that only one resource can have, such as a name or the address range of a subnet. If such a value
    changes, or if AWS chooses it, the result is an empty tuple.

    `properties` has the resource's properties after the change. `identifier` lists the properties that must be unique.
    It is used only if the table of resource types does not say which property must be unique.
    """
    facts = facts_of(change.resource_type)
    unique = facts.name_property or facts.unique_property
    names = (unique,) if unique else identifier
    chosen = names if properties.keys() >= set(names) and not facts.has_revisions else ()
    return () if {*names, *facts.name_within} & set(change.properties) else chosen


def kept_policy(change: Change, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether AWS keeps the resource that the change removes or replaces.

    `old` and `new` are the resource in the templates before and after the change. `new` is empty if the template no
    longer has the resource. If the change has no `PolicyAction`, the policies in the templates determine the result:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
    """
    return _policy(change, old, new).startswith("Retain")


def _policy(change: Change, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    stated = old.get("DeletionPolicy") if change.action == "Remove" else new.get("UpdateReplacePolicy")
    return (change.policy_action or str(stated or "Delete")).removeprefix("ReplaceAnd")


def _holds(change: Change, old: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Return what is lost if the resource is deleted or replaced, or an empty string if nothing is lost."""
    if change.resource_type == "AWS::IAM::Role":
        # A policy whose principal is a role stores the internal id of the role. If the role is replaced, the policy
        # does not match the new role, even if the new role has the same name. If the role is only removed, there is no
        # new role. But other stacks may still read the ARN of the removed role from Parameter Store.
        named = "RoleName" in old.get("Properties", {}) and change.action != "Remove"
        used = named or _published(change.logical_id, before)
        return "a role to which policies or other stacks refer" if used else ""
    elsewhere = facts_of(change.resource_type).data_is_in
    if elsewhere and elsewhere in old.get("Properties", {}):
        return ""
    stated = "contents that its DeletionPolicy covers" if "DeletionPolicy" in old else ""
    return facts_of(change.resource_type).loss or stated


def _published(logical_id: str, before: Mapping[str, Any]) -> bool:
    """Return whether the stack stores a value of this resource in Parameter Store for other stacks."""
    mentions = re.compile(rf"\b{re.escape(logical_id)}\b")
    return any(
        mentions.search(str(resource.get("Properties", {}).get("Value", "")))
        for resource in before.values()
        if resource["Type"] == PUBLISHED
    )


def _fate(policy: str, resource_type: str) -> str:
    """Return what happens to a resource's data if its DeletionPolicy or UpdateReplacePolicy has the value `policy`."""
    match policy:
        case "Retain" | "RetainExceptOnCreate":
            return "kept, outside the stack"
        case "Snapshot":
            return "deleted, a snapshot is kept"
        case _ if resource_type == "AWS::KMS::Key":
            return "scheduled for deletion; until then the deletion can be cancelled"
        case _:
            return "deleted"


def interruption(change: Change) -> str:
    """Return why an update in place interrupts a running service, or an empty string if the service keeps running.

    Properties that only refer to the id or the ARN of another resource are ignored. Their values stay the same unless
    that resource is replaced.
    """
    if change.action != "Modify":
        return ""
    certain = (detail for detail in change.details if detail.attribute == "Properties" and not detail.cause)
    edited = {detail.name for detail in certain} - {"Tags", "TagsAll"}
    return "; ".join(
        case.reason
        for case in facts_of(change.resource_type).interruptions
        if (edited if case.properties is None else edited & case.properties)
    )


def irreversible(change: Change) -> str:
    """Return the irreversible effect of this update in place, or an empty string if a later update can revert it."""
    facts = facts_of(change.resource_type).irreversible
    return "; ".join(facts[name] for name in change.properties if change.action == "Modify" and name in facts)


def total(changes: Sequence[Change]) -> dict[str, int]:
    """Count the changes by action: add, modify, replace, perhaps replace, remove. Return the counts in this order."""
    counts = {"Add": 0, "Modify": 0, "Replace": 0, PERHAPS_REPLACE: 0, "Remove": 0}
    replaced = {"True": "Replace", "Conditional": PERHAPS_REPLACE}
    for change in changes:
        action = replaced.get(change.replacement, "Modify") if change.action == "Modify" else change.action
        counts[action] = counts.get(action, 0) + 1
    return {action: count for action, count in counts.items() if count}


def loss_in_words(name: str, change: Change, impact: Impact) -> str:
    """Return a line that says what happens to the stateful resource `name` and its data."""
    maybe = "" if impact.certain else "perhaps "
    done = "deleted" if impact.kind == DELETION else "replaced"
    return f"{name} ({change.resource_type}): {maybe}{done}; {impact.holds}: {impact.fate}"
