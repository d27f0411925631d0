"""Makes the local AWS apply S3 Object Lock as S3 and CloudFormation do.

The engine itself refuses to delete a locked version, and checks the permission to bypass governance mode. This module
adds these rules:

- Templates can configure Object Lock.
- The versioning of a locked bucket cannot be suspended.
- An upload to a locked bucket needs a checksum.
- A stack's bucket is deleted only if it is empty.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

BUCKET = "AWS::S3::Bucket"
ENABLED, CONFIGURATION = "ObjectLockEnabled", "ObjectLockConfiguration"
NEEDS_VERSIONING = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
VERSIONING_STAYS = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
NEEDS_CHECKSUM = (
    "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"
)
NOT_EMPTY = "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
NOT_VALID = "The XML you provided was not well-formed or did not validate against our published schema"
LOCK = "x-amz-object-lock-"
MODES = frozenset({"GOVERNANCE", "COMPLIANCE"})
Handlers = dict[str, dict[str, Any]]


def register(s3: ModuleType, handlers: Handlers) -> None:
    """Add Object Lock to the engine, for API requests and for templates.

    `s3` is the engine's module for S3 requests. `handlers` has the functions for the resource types of templates.
    """
    locks = s3._bucket_object_lock
    put_object, put_versioning = s3._put_object, s3._put_bucket_versioning

    def checked_put_object(bucket: str, key: str, body: bytes, headers: Mapping[str, str]) -> Any:
        locked = (locks.get(bucket) or {}).get("default_retention") or any(name.startswith(LOCK) for name in headers)
        if locked and not _has_checksum(headers):
            return s3._error("InvalidRequest", NEEDS_CHECKSUM, 400, f"/{bucket}/{key}")
        return put_object(bucket, key, body, headers)

    def checked_put_versioning(bucket: str, body: bytes) -> Any:
        if locks.get(bucket) and b"Suspended" in body:
            return s3._error("InvalidBucketState", VERSIONING_STAYS, 409, f"/{bucket}")
        return put_versioning(bucket, body)

    s3._put_object = checked_put_object  # type: ignore[attr-defined]
    s3._put_bucket_versioning = checked_put_versioning  # type: ignore[attr-defined]
    _lock_buckets_of_templates(s3, handlers)


def _has_checksum(headers: Mapping[str, str]) -> bool:
    """Return whether the headers contain a checksum of the body, or announce a checksum after the body."""
    return any(name == "content-md5" or name.startswith("x-amz-checksum-") for name in headers) or headers.get(
        "x-amz-trailer", ""
    ).startswith("x-amz-checksum-")


def _lock_buckets_of_templates(s3: ModuleType, handlers: Handlers) -> None:
    create, update, delete = (handlers[BUCKET][name] for name in ("create", "update", "delete"))

    def create_locked(logical_id: str, properties: dict[str, Any], *more: Any) -> Any:
        answer = create(logical_id, properties, *more)
        _lock(s3, answer[0], properties)
        return answer

    def update_locked(physical_id: str, before: Any, properties: dict[str, Any], *more: Any) -> Any:
        answer = update(physical_id, before, properties, *more)
        _lock(s3, answer[0], properties)
        return answer

    def delete_empty(physical_id: str, properties: Any, *more: Any) -> Any:
        bucket = s3._buckets.get(physical_id)
        if bucket and (bucket["objects"] or s3._bucket_has_versions(physical_id)):
            raise ValueError(f"{NOT_EMPTY} (Service: S3, Status Code: 409)")
        s3._bucket_object_lock.pop(physical_id, None)
        return delete(physical_id, properties, *more)

    handlers[BUCKET] = {**handlers[BUCKET], "create": create_locked, "update": update_locked, "delete": delete_empty}


def _lock(s3: ModuleType, name: str, properties: Mapping[str, Any]) -> None:
    """Apply the Object Lock settings in `properties` to the bucket `name`. Without such settings, change nothing."""
    retention = properties.get(CONFIGURATION, {}).get("Rule", {}).get("DefaultRetention")
    wanted = str(properties.get(ENABLED, "")).lower() == "true" or CONFIGURATION in properties
    if not wanted:
        return
    if s3._bucket_versioning.get(name) != "Enabled":
        raise ValueError(f"{NEEDS_VERSIONING} (Service: S3, Status Code: 409)")
    if retention:
        if retention.get("Mode") not in MODES or ("Days" in retention) == ("Years" in retention):
            raise ValueError(f"{NOT_VALID} (Service: S3, Status Code: 400)")
        # The engine computes with a number, but a template may have text.
        retention = {key: value if key == "Mode" else int(value) for key, value in retention.items()}
    s3._bucket_object_lock[name] = {"enabled": True, "default_retention": retention}
