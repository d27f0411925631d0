"""Empties what can be deleted only when it is empty: buckets and repositories.

Listing and deleting go side by side, and no more than a few batches are held at a time, however much there is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.errors import CicdError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

# DeleteObjects takes 1,000 keys, BatchDeleteImage 100 images:
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
OBJECTS_A_CALL = 1000
IMAGES_A_CALL = 100
# S3 takes 3,500 writes and deletions a second below one prefix; four calls of 1,000 on their way reach that:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
CALLS_AT_A_TIME = 4
# What S3 answers for single keys when it is only busy.
BUSY = frozenset({"InternalError", "ServiceUnavailable", "SlowDown"})
ATTEMPTS = 5
# A list that is read while things go and come may miss some, so it is read until it is empty; a writer that never stops
# is the next attempt's.
PASSES = 10

OnProgress = Callable[[int], None]


def empty_bucket(clients: Clients, bucket: str, progress: OnProgress = lambda count: None) -> int:
    """Delete all object versions, delete markers and unfinished uploads of `bucket`; how many they were.

    `progress` is called with the count so far after each batch. Raises `CicdError` with the first refusal where S3
    keeps an object.
    """
    count = 0
    for _ in range(PASSES):
        before, count = count, _empty_once(clients, bucket, count, progress)
        if count == before:
            break
    for page in clients.s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", ()):
            clients.s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
            count += 1
    return count


def _empty_once(clients: Clients, bucket: str, count: int, progress: OnProgress) -> int:
    """Delete what one reading of the list finds; `count` and how much that was."""
    versions = _versions(clients, bucket)
    under_way: deque[Future[int]] = deque()
    with ThreadPoolExecutor(CALLS_AT_A_TIME) as pool:
        while batch := list(islice(versions, OBJECTS_A_CALL)):
            under_way.append(pool.submit(_delete, clients, bucket, batch))
            if len(under_way) > CALLS_AT_A_TIME:
                count += under_way.popleft().result()
                progress(count)
        for each in under_way:
            count += each.result()
            progress(count)
    return count


def _versions(clients: Clients, bucket: str) -> Iterator[ObjectIdentifierTypeDef]:
    for page in clients.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            yield {"Key": version["Key"], "VersionId": version["VersionId"]}


def _delete(clients: Clients, bucket: str, batch: list[ObjectIdentifierTypeDef]) -> int:
    rest = batch
    for _ in range(ATTEMPTS):
        answer = clients.s3.delete_objects(Bucket=bucket, Delete={"Objects": rest, "Quiet": True})
        refused = answer.get("Errors", [])
        for each in refused:
            if each.get("Code") not in BUSY:
                raise CicdError(f"{bucket}/{each['Key']}: S3 keeps it: {each['Code']}: {each['Message']}")
        if not refused:
            return len(batch)
        again = {(each.get("Key"), each.get("VersionId")) for each in refused}
        rest = [each for each in rest if (each["Key"], each.get("VersionId")) in again]
    raise CicdError(f"{bucket}: S3 is too busy to delete {len(rest):,} objects; the same command continues")


def held_by_bucket(clients: Clients, bucket: str) -> str:
    """How much a bucket holds, from one page of it: `empty`, `12 versions`, `1,000 versions or more`."""
    try:
        page = clients.s3.list_object_versions(Bucket=bucket)
    except ClientError as error:
        return f"cannot be looked into: {error.response['Error']['Code']}"
    count = len(page.get("Versions", ())) + len(page.get("DeleteMarkers", ()))
    return _counted(count, "version", more=page["IsTruncated"])


def empty_repository(clients: Clients, repository: str, progress: OnProgress = lambda count: None) -> int:
    """Delete all images of an ECR repository; how many they were.

    An image that an index names goes only after it, so what is refused is tried again once others have gone. Raises
    `CicdError` with the first refusal where nothing more goes.
    """
    count = 0
    while images := _images(clients, repository):
        gone, refusals = 0, []
        for start in range(0, len(images), IMAGES_A_CALL):
            batch = images[start : start + IMAGES_A_CALL]
            answer = clients.ecr.batch_delete_image(repositoryName=repository, imageIds=batch)  # type: ignore[arg-type] # digests
            refusals += answer.get("failures", [])
            gone += len(batch) - len(answer.get("failures", []))
        count += gone
        progress(count)
        if not gone:
            first = refusals[0]
            raise CicdError(f"{repository}: ECR keeps an image: {first['failureCode']}: {first['failureReason']}")
    return count


def _images(clients: Clients, repository: str) -> list[dict[str, str]]:
    """Each image once, by its digest: by a tag only the tag would go."""
    digests = {
        image["imageDigest"]: None
        for page in clients.ecr.get_paginator("list_images").paginate(repositoryName=repository)
        for image in page["imageIds"]
    }
    return [{"imageDigest": digest} for digest in digests]


def held_by_repository(clients: Clients, repository: str) -> str:
    """How much a repository holds, from one page of it."""
    try:
        page = clients.ecr.list_images(repositoryName=repository)
    except ClientError as error:
        return f"cannot be looked into: {error.response['Error']['Code']}"
    return _counted(len(page["imageIds"]), "image", more=bool(page.get("nextToken")))


def _counted(count: int, noun: str, *, more: bool) -> str:
    if not count:
        return "empty"
    return f"{count:,} {noun}{'s' if count != 1 else ''}{' or more' if more else ''}"
