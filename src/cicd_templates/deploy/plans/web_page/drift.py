"""Assesses changes that were made outside CloudFormation. This module does not call AWS.

- If the changed property is in a table of this module, such as `PROTECTING`, the change is judged.
- If another property of a resource that grants access or stores data changed, the page says that it cannot judge the
  change. The page says the same of every changed policy, because CloudFormation reports only a part of the change.
- All remaining changes are listed without a judgement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cicd_templates.deploy.change_sets.drift import DriftedResource, PropertyDrift
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.text import short
from cicd_templates.functions.change_page.answers import NETWORK_TYPES, grants_access
from cicd_templates.template.resource_types.registry import facts_of

# Properties that protect data while they are true, properties that open a resource while they are true, and properties
# that say for how many days data or its copies are kept. The last part of a property's path is its name.
PROTECTING = frozenset({
    "DeletionProtection", "DeletionProtectionEnabled", "StorageEncrypted", "Encrypted", "SSEEnabled",
    "EnableKeyRotation",    "PointInTimeRecoveryEnabled", "BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls",
    "RestrictPublicBuckets", "EnableLogFileValidation", "IsLogging", "EnableIAMDatabaseAuthentication",
})  # fmt: skip
OPENING = frozenset({"PubliclyAccessible", "MapPublicIpOnLaunch", "AssociatePublicIpAddress"})
KEEPING = frozenset({
    "BackupRetentionPeriod", "RetentionInDays", "PendingWindowInDays", "MessageRetentionPeriod",
    "PerformanceInsightsRetentionPeriod", "SnapshotRetentionLimit", "ExpirationInDays",
})  # fmt: skip
# The properties of a bucket that keep the old versions of its objects.
VERSIONING = "VersioningConfiguration"
RULES = ("SecurityGroupIngress", "SecurityGroupEgress")
# The types of resources that watch other resources.
WATCHING = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::CloudTrail::Trail", "AWS::Events::Rule")
# The number of changes that the first sentences name.
NAMED = 6


def drift_facts(plans: Sequence[Plan]) -> str:
    """Return a sentence that lists the first few changes made outside CloudFormation, or an empty string."""
    found = [f"{name}: {_in_words(resource)}" for name, resource in drifted(plans)]
    more = f"; and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
    return f"Found: {'; '.join(found[:NAMED])}{more}." if found else ""


def drift_warnings(plans: Sequence[Plan]) -> list[str]:
    """Return a text for each drifted resource that needs a close look: the resource's name and the reasons."""
    judged = ((name, list(dict.fromkeys(_judge(resource)))) for name, resource in drifted(plans))
    return [f"{name} ({', '.join(reasons)})" for name, reasons in judged if reasons]


def drifted(plans: Sequence[Plan]) -> list[tuple[str, DriftedResource]]:
    """Return the resources that differ from their templates, each with its name.

    Resources that can grant access come first, then deleted resources.
    """
    several = len(plans) > 1
    found = [
        (f"{plan.environment}: {name}" if several else name, resource)
        for plan in plans
        for stack in plan.drift or ()
        for resource in stack.resources
        for name in (f"{stack.stack}/{resource.logical_id}",)
    ]
    return sorted(found, key=lambda each: (not grants_access(each[1].resource_type), each[1].status != "DELETED"))


def _in_words(resource: DriftedResource) -> str:
    if resource.status == "DELETED":
        return "deleted"
    if resource.status == "UNKNOWN":
        return "could not be read"
    return ", ".join(map(difference_in_words, resource.differences)) or "modified, values not reported"


def difference_in_words(difference: PropertyDrift) -> str:
    """Return how a property differs from the template, such as `BackupRetentionPeriod 35 -> 1`."""
    name, before, after = difference.path.strip("/"), difference.expected, difference.actual
    if not before:
        return f"{name} added: {_value(after)}"
    return f"{name} removed: {_value(before)}" if not after else f"{name} {short(before)} \u2192 {short(after)}"


def _value(text: str) -> str:
    """Return a value. A long value is cut, but a rule of a security group is always shown in full."""
    return text if len(text) <= 2 * 60 else f"{text[:119]}\u2026"


def _judge(resource: DriftedResource) -> Iterator[str]:
    """Yield the reasons why somebody must look closely at a change."""
    kind = resource.resource_type
    if resource.status == "UNKNOWN":
        yield "cannot be judged, because it could not be read"
    elif resource.status == "DELETED":
        if facts_of(kind).loss:
            yield f"{facts_of(kind).loss} deleted"
        elif kind in WATCHING:
            yield "monitoring deleted"
        elif grants_access(kind) and kind not in NETWORK_TYPES:
            yield "deleted; what it denied cannot be judged"
    elif not resource.differences:
        yield "cannot be judged, because no value is reported"
    else:
        for difference in resource.differences:
            yield from _judge_difference(kind, difference)


def _judge_difference(kind: str, difference: PropertyDrift) -> Iterator[str]:
    first, last = (difference.path.strip("/").split("/")[index] for index in (0, -1))
    if first in RULES or kind in NETWORK_TYPES[1:]:
        if difference.actual:
            yield "network rule changed" if difference.expected else "opens the network"
    elif last in PROTECTING or first == VERSIONING:
        if not _is_true(difference.actual):
            yield f"protection {last} is off"
    elif last in OPENING:
        if _is_true(difference.actual):
            yield f"{last} is on"
    elif last in KEEPING:
        if not _keeps_as_long(difference):
            yield f"{last} shortened"
    elif first != "Tags" and (grants_access(kind) or facts_of(kind).loss):
        yield f"{first} cannot be judged"


def _is_true(text: str) -> bool:
    return text.strip('"').casefold() in ("true", "active", "enabled")


def _keeps_as_long(difference: PropertyDrift) -> bool:
    """Return whether the actual number of days is at least the number in the template.

    If one of the values is not a number, return False.
    """
    texts = [text.strip('"') for text in (difference.expected, difference.actual)]
    return all(text.isdecimal() for text in texts) and int(texts[1]) >= int(texts[0])
