"""Finds, empties and deletes S3 buckets.

Object versions are listed and deleted concurrently. Only a few batches are in memory at a time, however large the
bucket is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import (
    EXISTS,
    Contents,
    ExistingResource,
    Leftover,
    OnProgress,
    ResourceOperations,
    describe_count,
    tags_or_none,
    unless_not_found,
)
from cicd_templates.errors import CicdError
from cicd_templates.template.arn import Arn
from cicd_templates.template.partitions import partition_of

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

FORBIDDEN, ACCESS_DENIED = "403", "AccessDenied"
# The maximum number of keys in one call: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
KEYS_PER_CALL = 1000
# S3 accepts 3,500 writes and deletions per second and prefix; four concurrent calls of 1,000 keys reach that limit:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
CONCURRENT_CALLS = 4
# With these error codes, S3 says that it is too busy to delete a key. The deletion can be tried again.
BUSY_CODES = frozenset({"InternalError", "ServiceUnavailable", "SlowDown"})
ATTEMPTS = 5
# A listing may miss versions while others are being deleted, so the bucket is listed again until it is empty. The
# number of passes is limited, because another program may write to the bucket without end.
PASSES = 10


def _find(clients: Clients, name: str) -> ExistingResource | None:
    try:
        clients.s3.head_bucket(Bucket=name)
    except ClientError as error:
        # Bucket names are shared by all accounts, and S3 forbids reading the buckets of others.
        if error.response["Error"]["Code"] != FORBIDDEN:
            raise
        return ExistingResource("", foreign=True)
    tags = tags_or_none(lambda: clients.s3.get_bucket_tagging(Bucket=name)["TagSet"])
    return ExistingResource(str(Arn(partition_of(clients.region).name, "s3", "", "", name)), tags)


def _state(clients: Clients, name: str) -> str:
    clients.s3.head_bucket(Bucket=name)
    return EXISTS


def _delete(clients: Clients, name: str) -> None:
    empty_bucket(clients, name)
    clients.s3.delete_bucket(Bucket=name)


@dataclass
class _Emptying:
    """The deletion of everything in a bucket. `bypass` says whether to bypass governance mode of Object Lock."""

    clients: Clients
    bucket: str
    bypass: bool = False


def empty_bucket(clients: Clients, bucket: str, on_progress: OnProgress = lambda count: None) -> int:
    """Delete all object versions, delete markers and unfinished uploads of `bucket`. Return how many were deleted.

    Call this function only for data that the user wants to delete. If IAM lets the caller bypass governance mode, it
    also deletes versions that Object Lock protects in this mode. After each batch, `on_progress` is called with the
    number of items deleted so far.

    If S3 refuses to delete an object, raises `CicdError`. The message has S3's reason and describes the object's lock.
    """
    count, emptying = 0, _Emptying(clients, bucket)
    for _ in range(PASSES):
        before, count = count, _empty_once(emptying, count, on_progress)
        if count == before:
            break
    for page in clients.s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", ()):
            clients.s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
            count += 1
    return count


def _empty_once(emptying: _Emptying, count: int, on_progress: OnProgress) -> int:
    """List the bucket's versions once, and delete them. Return `count` plus the number of deleted versions.

    `count` is the number of items that were deleted before this call.
    """
    versions = _versions(emptying.clients, emptying.bucket)
    calls: deque[Future[int]] = deque()
    with ThreadPoolExecutor(CONCURRENT_CALLS) as pool:
        while batch := list(islice(versions, KEYS_PER_CALL)):
            calls.append(pool.submit(_delete_batch, emptying, batch))
            if len(calls) > CONCURRENT_CALLS:
                count += calls.popleft().result()
                on_progress(count)
        for call in calls:
            count += call.result()
            on_progress(count)
    return count


def _versions(clients: Clients, bucket: str) -> Iterator[ObjectIdentifierTypeDef]:
    for page in clients.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            yield {"Key": version["Key"], "VersionId": version["VersionId"]}


def _delete_batch(emptying: _Emptying, batch: list[ObjectIdentifierTypeDef]) -> int:
    bucket, remaining = emptying.bucket, batch
    for _ in range(ATTEMPTS):
        bypass, delete = emptying.bypass, partial(emptying.clients.s3.delete_objects, Bucket=bucket)
        if bypass:
            # This needs a permission of its own, even for versions without a lock.
            delete = partial(delete, BypassGovernanceRetention=True)
        answer = delete(Delete={"Objects": remaining, "Quiet": True})
        errors = answer.get("Errors", [])
        for error in errors:
            if error.get("Code") == ACCESS_DENIED and not bypass and describe_lock(emptying.clients, bucket):
                emptying.bypass = True
            elif error.get("Code") not in BUSY_CODES:
                lock = describe_lock(emptying.clients, bucket)
                raise CicdError(
                    f"{bucket}/{error['Key']}: S3 refuses to delete this object: {error['Code']}: {error['Message']}"
                    f"{_locked_version(emptying.clients, bucket, error) if lock else ''}"
                )
        if not errors:
            return len(batch)
        refused = {(error.get("Key"), error.get("VersionId")) for error in errors}
        remaining = [version for version in remaining if (version["Key"], version.get("VersionId")) in refused]
    raise CicdError(
        f"{bucket}: S3 is too busy to delete {len(remaining):,} objects; run the same command again to continue"
    )


def describe_lock(clients: Clients, bucket: str) -> str:
    """Describe the Object Lock of a bucket. Return an empty string if there is no lock or it cannot be read."""
    try:
        lock = clients.s3.get_object_lock_configuration(Bucket=bucket).get("ObjectLockConfiguration", {})
    except ClientError:
        return ""
    if lock.get("ObjectLockEnabled") != "Enabled":
        return ""
    retention = lock.get("Rule", {}).get("DefaultRetention", {})
    if not retention:
        return "Object Lock without a default retention"
    period = describe_period(retention)
    return f"Object Lock in {retention['Mode'].lower()} mode keeps each version for {period} after it was stored"


def describe_period(retention: Mapping[str, Any]) -> str:
    """Return the period of a bucket's default retention as text, such as `365 days`."""
    number, unit = (retention["Days"], "day") if "Days" in retention else (retention["Years"], "year")
    return describe_count(number, unit, more=False)


def _locked_version(clients: Clients, bucket: str, error: Any) -> str:
    """Return the end of an error message: which lock prevents the deletion of an object version.

    The result is empty if the version is not locked or cannot be read.
    """
    try:
        version: Any = clients.s3.head_object(Bucket=bucket, Key=error["Key"], VersionId=error.get("VersionId", "null"))
    except ClientError:
        return ""
    if version.get("ObjectLockLegalHoldStatus") == "ON":
        return "; it has a legal hold, which must be removed first"
    if "ObjectLockRetainUntilDate" not in version:
        return ""
    mode, until = version["ObjectLockMode"].lower(), version["ObjectLockRetainUntilDate"]
    return f"; Object Lock ({mode} mode) keeps it and its bucket until {until:%Y-%m-%d}"


def describe_contents(clients: Clients, bucket: str) -> str:
    """Return the number of object versions as text, such as `empty` or `1,000 versions or more`.

    Only the first page of the list is read.
    """
    try:
        page = clients.s3.list_object_versions(Bucket=bucket)
    except ClientError as error:
        return f"the contents cannot be listed: {error.response['Error']['Code']}"
    count = len(page.get("Versions", ())) + len(page.get("DeleteMarkers", ()))
    held = describe_count(count, "version", more=page["IsTruncated"])
    lock = describe_lock(clients, bucket) if count else ""
    return f"{held}; {lock}" if lock else held


OPERATIONS = {
    "AWS::S3::Bucket": ResourceOperations(
        find=_find,
        delete_command="s3api delete-bucket --bucket {name}",
        leftover=Leftover(
            why="A protected environment keeps its buckets; an update may leave behind a bucket that it replaced.",
            removal="empty it with all versions in the console (Empty), then"
            " `aws s3api delete-bucket --region {region} --bucket {name}`",
            state=unless_not_found(_state, ""),
            delete=_delete,
        ),
        contents=Contents(describe_contents, empty_bucket, describe_lock),
    ),
}
