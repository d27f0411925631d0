"""Finds, empties and deletes ECR repositories."""

from __future__ import annotations

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

# The maximum number of images in one call of BatchDeleteImage:
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
IMAGES_PER_CALL = 100


def _find(clients: Clients, name: str) -> ExistingResource | None:
    arn = clients.ecr.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryArn"]
    return ExistingResource(arn, tags_or_none(lambda: clients.ecr.list_tags_for_resource(resourceArn=arn)["tags"]))


def _state(clients: Clients, name: str) -> str:
    clients.ecr.describe_repositories(repositoryNames=[name])
    return EXISTS


def empty_repository(clients: Clients, repository: str, on_progress: OnProgress = lambda count: None) -> int:
    """Delete all images of an ECR repository and return their number.

    ECR refuses to delete an image while an image index refers to it. So the function repeats its attempts as long as
    each attempt deletes at least one image. Raises `CicdError` with ECR's reason if an attempt deletes no image.
    """
    count = 0
    while images := _images(clients, repository):
        deleted, refusals = 0, []
        for start in range(0, len(images), IMAGES_PER_CALL):
            batch = images[start : start + IMAGES_PER_CALL]
            answer = clients.ecr.batch_delete_image(repositoryName=repository, imageIds=batch)  # type: ignore[arg-type] # digests
            refusals += answer.get("failures", [])
            deleted += len(batch) - len(answer.get("failures", []))
        count += deleted
        on_progress(count)
        if not deleted:
            first = refusals[0]
            raise CicdError(
                f"{repository}: ECR refuses to delete an image: {first['failureCode']}: {first['failureReason']}"
            )
    return count


def _images(clients: Clients, repository: str) -> list[dict[str, str]]:
    """Return the digests of all images in a repository, without duplicates.

    Images are deleted by digest, because a deletion by tag would delete only the tag.
    """
    digests = {
        image["imageDigest"]: None
        for page in clients.ecr.get_paginator("list_images").paginate(repositoryName=repository)
        for image in page["imageIds"]
    }
    return [{"imageDigest": digest} for digest in digests]


def describe_contents(clients: Clients, repository: str) -> str:
    """Return the number of images in a repository as text. Only the first page of the list is counted."""
    try:
        page = clients.ecr.list_images(repositoryName=repository)
    except ClientError as error:
        return f"the contents cannot be listed: {error.response['Error']['Code']}"
    return describe_count(len(page["imageIds"]), "image", more=bool(page.get("nextToken")))


OPERATIONS = {
    "AWS::ECR::Repository": ResourceOperations(
        find=_find,
        delete_command="ecr delete-repository --repository-name {name}",
        leftover=Leftover(
            why="A protected environment keeps the images of its releases.",
            removal="`aws ecr delete-repository --region {region} --force --repository-name {name}`",
            state=unless_not_found(_state, ""),
            delete=lambda clients, name: clients.ecr.delete_repository(repositoryName=name, force=True),
        ),
        contents=Contents(describe_contents, empty_repository),
    ),
}
