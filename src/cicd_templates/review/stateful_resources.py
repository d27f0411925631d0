"""Lists the resources that hold data, with their encryption key, retention, deletion policy and replacement policy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cicd_templates.plurals import counted
from cicd_templates.review.formatting import Formatter
from cicd_templates.review.property_values import PropertyValue
from cicd_templates.review.reviewed_stacks import ReviewedStack
from cicd_templates.template.encryption_by_type import KEY_OF
from cicd_templates.template.intrinsics import NO_VALUE, may_be_absent, values_at
from cicd_templates.template.resource_types.registry import facts_of

DATA_HEADS = ("stack", "type", "resources", "key", "retention", "on deletion", "on replacement")
# Server-side encryption with S3-managed keys: SSE-S3.
S3_MANAGED_KEY = "SSE-S3"
_POLICY_TEXTS = {
    "Retain": "retained",
    "RetainExceptOnCreate": "retained",
    "Snapshot": "snapshot",
    "Delete": "deleted",
    None: "deleted",
}


def data_rows(stack: ReviewedStack) -> list[tuple[str, ...]]:
    """Return one row for each group of resources that have the same type, key, retention and policies."""
    template, formatter = stack.template, stack.formatter
    groups: dict[tuple[str, ...], list[str]] = {}
    for logical_id, resource in template.resources.items():
        properties = resource.get("Properties", {})
        key = _key(resource["Type"], properties, stack.property_values[logical_id], formatter)
        policies = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        if key or any(policies):
            kind = resource["Type"].removeprefix("AWS::")
            facts = (
                kind,
                key or "none",
                _retention(properties, formatter),
                *(_POLICY_TEXTS.get(policy, str(policy)) for policy in policies),
            )
            groups.setdefault(facts, []).append(logical_id)
    return [(template.label, kind, ", ".join(which), *rest) for (kind, *rest), which in groups.items()]


def without_own_key(stack: ReviewedStack) -> list[str]:
    """Return the logical ids of the resources that are encrypted with a key of AWS instead of the project's key."""
    return [name for name, entries in stack.property_values.items() if "AES256" in [value for _, value, _ in entries]]


def _key(kind: str, properties: Mapping[str, Any], entries: Iterable[PropertyValue], formatter: Formatter) -> str:
    if kind == "AWS::KMS::Key":
        return f"is a key, {' or '.join(dict.fromkeys(_rotations(properties, formatter)))}"
    keys = [
        formatter.format(key)
        for place in KEY_OF.get(kind, ())
        for key in values_at(properties, *(step for step in re.split(" > |/", place) if step != "*"))
    ]
    data_is_in = facts_of(kind).data_is_in
    if data_is_in in properties:
        keys.append(f"data is in {formatter.format(properties[data_is_in])}")
    # A bucket without a customer managed key has no key property in the table `KEY_OF`.
    keys += [S3_MANAGED_KEY for _, value, _ in entries if value == "AES256"]
    return ", ".join(dict.fromkeys(keys))


def _rotations(properties: Mapping[str, Any], formatter: Formatter) -> Iterator[str]:
    """Yield each way in which a key may be rotated. Without the property, AWS does not rotate a key."""
    for value in values_at(properties, "EnableKeyRotation"):
        match str(value).lower():
            case "true":
                yield f"rotated every {_period(properties.get('RotationPeriodInDays', 365), 'day', formatter)}"
            case "false":
                yield "not rotated"
            case _:
                yield f"rotated only if {formatter.format(value)} is true"
    if may_be_absent(properties.get("EnableKeyRotation", NO_VALUE)):
        yield "not rotated"


def _retention(properties: Mapping[str, Any], formatter: Formatter) -> str:
    days = list(values_at(properties, "RetentionInDays"))
    if days:
        return " or ".join(_period(number, "day", formatter) for number in days)
    texts = [_seconds(seconds, formatter) for seconds in values_at(properties, "MessageRetentionPeriod")]
    rules = ("LifecycleConfiguration", "Rules")
    texts += [_period(number, "day", formatter) for number in values_at(properties, *rules, "ExpirationInDays")]
    texts += [
        f"noncurrent versions {_period(number, 'day', formatter)}"
        for number in values_at(properties, *rules, "NoncurrentVersionExpiration", "NoncurrentDays")
    ]
    for lock in values_at(properties, "ObjectLockConfiguration", "Rule", "DefaultRetention"):
        periods = [
            _period(number, noun, formatter)
            for unit, noun in (("Days", "day"), ("Years", "year"))
            for number in values_at(lock, unit)
        ]
        texts.append(f"Object Lock ({', '.join([formatter.format(lock.get('Mode')), *periods])})")
    return ", ".join(texts)


def _seconds(seconds: Any, formatter: Formatter) -> str:
    if isinstance(seconds, int) and seconds % 86400 == 0:
        return _period(seconds // 86400, "day", formatter)
    return _period(seconds, "second", formatter)


def _period(number: Any, noun: str, formatter: Formatter) -> str:
    """Return a number with its unit, such as `7 days`. The number can also be an expression, such as a `Ref`."""
    return counted(number, noun) if isinstance(number, int) else f"{formatter.format(number)} {noun}s"
