"""What holds or carries data: under which key, for how long, and what becomes of it when its stack goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cicd_templates.review.formatting import Formatter
from cicd_templates.review.property_values import PropertyValue
from cicd_templates.review.reviewed import Reviewed

HEADS = ("stack", "type", "which", "key", "kept", "when its stack goes", "when it is replaced")
# How types name the property with their key.
_KEYS = frozenset(
    {
        "EncryptionKey",
        "EncryptionKeyArn",
        "KMSKeyArn",
        "KMSKeyId",
        "KMSMasterKeyID",
        "KmsKey",
        "KmsKeyArn",
        "KmsKeyId",
        "KmsMasterKeyId",
    }
)
# What S3 itself keeps: SSE-S3.
OF_AWS = "of AWS (SSE-S3)"
_FATES = {
    "Retain": "stays",
    "RetainExceptOnCreate": "stays",
    "Snapshot": "leaves a snapshot",
    "Delete": "deleted",
    None: "deleted",
}


def rows(each: Reviewed) -> list[tuple[str, ...]]:
    """A row for each group of resources of one type that share key, retention and fate."""
    stack, formatter = each.template, each.formatter
    groups: dict[tuple[str, ...], list[str]] = {}
    for logical_id, resource in stack.resources.items():
        properties = resource.get("Properties", {})
        key = _key(resource["Type"], properties, each.property_values[logical_id], formatter)
        fate = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        if key or any(fate):
            kind = resource["Type"].removeprefix("AWS::")
            facts = (kind, key or "none", _kept(properties), *(_FATES.get(policy, str(policy)) for policy in fate))
            groups.setdefault(facts, []).append(logical_id)
    return [(stack.label, kind, ", ".join(which), *rest) for (kind, *rest), which in groups.items()]


def keyless(each: Reviewed) -> list[str]:
    """The resources that are encrypted with a key of AWS, not with one of ours."""
    return [name for name, entries in each.property_values.items() if any(value == "AES256" for _, value, _ in entries)]


def _key(kind: str, properties: Mapping[str, Any], entries: Iterable[PropertyValue], formatter: Formatter) -> str:
    if kind == "AWS::KMS::Key":
        days = properties.get("RotationPeriodInDays", 365)
        return f"is one; rotates every {days} days" if properties.get("EnableKeyRotation") else "is one; never rotates"
    found: dict[str, None] = {}
    for name, value, _ in entries:
        if name in _KEYS:
            # CodePipeline's is a map of its id and type.
            found[formatter.say(value["Id"] if isinstance(value, dict) and "Id" in value else value)] = None
        elif value == "AES256":
            found[OF_AWS] = None
    return ", ".join(found)


def _kept(properties: Mapping[str, Any]) -> str:
    if "RetentionInDays" in properties:
        return f"{properties['RetentionInDays']} days"
    if "MessageRetentionPeriod" in properties:
        return f"{properties['MessageRetentionPeriod'] // 86400} days"
    rules = properties.get("LifecycleConfiguration", {}).get("Rules", ())
    said = [f"{rule['ExpirationInDays']} days" for rule in rules if "ExpirationInDays" in rule]
    said += [
        f"old versions {_days(rule['NoncurrentVersionExpiration'])} days"
        for rule in rules
        if "NoncurrentVersionExpiration" in rule
    ]
    lock = properties.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention", {})
    return ", ".join([*said, *([f"locked ({lock.get('Mode')})"] if lock else [])])


def _days(expiration: Mapping[str, Any]) -> Any:
    return expiration.get("NoncurrentDays", "")
