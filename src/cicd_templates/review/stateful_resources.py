"""Lists the resources that hold data, with their encryption key, retention, deletion policy and replacement policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cicd_templates.review.formatting import Formatter
from cicd_templates.review.property_values import PropertyValue
from cicd_templates.review.reviewed_stacks import ReviewedStack
from cicd_templates.template.encryption_by_type import KEY_OF
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
                _retention(properties),
                *(_POLICY_TEXTS.get(policy, str(policy)) for policy in policies),
            )
            groups.setdefault(facts, []).append(logical_id)
    return [(template.label, kind, ", ".join(which), *rest) for (kind, *rest), which in groups.items()]


def without_own_key(stack: ReviewedStack) -> list[str]:
    """Return the logical ids of the resources that are encrypted with a key of AWS instead of the project's key."""
    return [name for name, entries in stack.property_values.items() if "AES256" in [value for _, value, _ in entries]]


def _key(kind: str, properties: Mapping[str, Any], entries: Iterable[PropertyValue], formatter: Formatter) -> str:
    if kind == "AWS::KMS::Key":
        days = properties.get("RotationPeriodInDays", 365)
        return (
            f"is a key, rotated every {days} days" if properties.get("EnableKeyRotation") else "is a key, not rotated"
        )
    keys = [
        formatter.format(key) for place in KEY_OF.get(kind, ()) for key in _values_at(properties, place.split(" > "))
    ]
    data_is_in = facts_of(kind).data_is_in
    if data_is_in in properties:
        keys.append(f"data is in {formatter.format(properties[data_is_in])}")
    # A bucket without a customer managed key has no key property in the table `KEY_OF`.
    keys += [S3_MANAGED_KEY for _, value, _ in entries if value == "AES256"]
    return ", ".join(dict.fromkeys(keys))


def _values_at(properties: Mapping[str, Any], place: Sequence[str]) -> Iterator[Any]:
    """Yield the values at the path `place` in `properties`. In the path, `*` stands for each item of a list."""
    steps = [step for part in place for step in part.split("/")]
    values: list[Any] = [properties]
    for step in steps:
        if step == "*":
            values = [item for value in values if isinstance(value, list) for item in value]
        else:
            values = [value[step] for value in values if isinstance(value, dict) and step in value]
    yield from values


def _retention(properties: Mapping[str, Any]) -> str:
    if "RetentionInDays" in properties:
        return f"{properties['RetentionInDays']} days"
    if "MessageRetentionPeriod" in properties:
        return f"{properties['MessageRetentionPeriod'] // 86400} days"
    rules = properties.get("LifecycleConfiguration", {}).get("Rules", ())
    texts = [f"{rule['ExpirationInDays']} days" for rule in rules if "ExpirationInDays" in rule]
    texts += [
        f"noncurrent versions {_days(rule['NoncurrentVersionExpiration'])} days"
        for rule in rules
        if "NoncurrentVersionExpiration" in rule
    ]
    lock = properties.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention", {})
    if lock:
        period = [f"{lock[unit]} {unit.lower()}" for unit in ("Days", "Years") if unit in lock]
        texts.append(f"Object Lock ({', '.join([str(lock.get('Mode')), *period])})")
    return ", ".join(texts)


def _days(expiration: Mapping[str, Any]) -> Any:
    return expiration.get("NoncurrentDays", "")
