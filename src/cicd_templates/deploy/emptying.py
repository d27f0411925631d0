"""Empties what CloudFormation refuses to delete while it is full: buckets and repositories."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from cicd_templates.deploy.clients import Clients
from cicd_templates.errors import CicdError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

# DeleteObjects takes 1,000 keys, BatchDeleteImage 100 images:
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
OBJECTS_A_CALL = 1000
IMAGES_A_CALL = 100


def empty_bucket(clients: Clients, bucket: str) -> int:
    """Delete all object versions, delete markers and unfinished uploads of `bucket`; how many they were.

    Raises `CicdError` with the first refusal where S3 keeps an object.
    """
    count = 0
    versions = _versions(clients, bucket)
    while batch := list(islice(versions, OBJECTS_A_CALL)):
        answer = clients.s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        for refused in answer.get("Errors", ()):
            raise CicdError(f"{bucket}/{refused['Key']}: S3 keeps it: {refused['Code']}: {refused['Message']}")
        count += len(batch)
    for page in clients.s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", ()):
            clients.s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
            count += 1
    return count


def _versions(clients: Clients, bucket: str) -> Iterator[ObjectIdentifierTypeDef]:
    for page in clients.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            yield {"Key": version["Key"], "VersionId": version["VersionId"]}


def empty_repository(clients: Clients, repository: str) -> int:
    """Delete all images of an ECR repository; how many they were."""
    count = 0
    images = (
        image
        for page in clients.ecr.get_paginator("list_images").paginate(repositoryName=repository)
        for image in page["imageIds"]
    )
    while batch := list(islice(images, IMAGES_A_CALL)):
        clients.ecr.batch_delete_image(repositoryName=repository, imageIds=batch)
        count += len(batch)
    return count
