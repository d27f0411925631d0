"""Approve a deployment only if its image is signed, is in the pipeline's repository, and is allowed by the scan.

ECS calls this hook before it starts the first task of a new release:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html

Environment variables: `ENVIRONMENT` is the environment. `CONTAINER` is the name of the container that runs the
release's image. `FURTHER` has the repositories that are allowed for all other containers, separated by commas. The
modules `registry_scan`, `signed_images` and `unsigned_images` describe the other variables. If the hook fails without
an answer, ECS rolls the release back.
"""

from __future__ import annotations

import json
import os
from typing import Any

from cicd_templates.functions.registry_scan import address_problem, scan_problem
from cicd_templates.functions.signed_images import NotSignedError, require_signed
from cicd_templates.functions.unsigned_images import find_exceptions

HINT = "; an exception in `unsigned_images` of the service can allow an image until a date"


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """Return `hookStatus` SUCCEEDED or FAILED, and write the reasons to the log."""
    import boto3

    # AWS documents the details at the top level of the event, but AWS's samples read them from this key.
    details = event.get("executionDetails", event)
    ecs = boto3.client("ecs")
    revisions = ecs.describe_service_revisions(serviceRevisionArns=[details["targetServiceRevisionArn"]])
    definition = revisions["serviceRevisions"][0]["taskDefinition"]
    containers = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]["containerDefinitions"]
    ecr = boto3.client("ecr")
    own = os.environ["CONTAINER"]
    problems = [
        problem
        for container in containers
        if (
            problem := find_problem(ecr, container["image"], context)
            if container["name"] == own
            else find_problem_of_further(container["name"], container["image"])
        )
    ]
    if own not in [container["name"] for container in containers]:
        problems.append(f"there is no container {own}")
    approved = not problems
    print(
        json.dumps(
            {"approved": approved, "images": [container["image"] for container in containers], "problems": problems}
        )
    )
    return {"hookStatus": "SUCCEEDED" if approved else "FAILED"}


def find_problem(ecr: Any, image: str, context: Any) -> str:
    """Return why `image` must not run, or an empty string if it may run.

    An image with an exception in the configuration needs no signature, and may be in another registry. Every image in
    the pipeline's repository must pass the scan, even an image with an exception.
    """
    foreign = address_problem(image)
    exceptions, ended = find_exceptions(os.environ["ENVIRONMENT"])
    problem = foreign or _signature_problem(image, excepted=image in exceptions)
    if problem and image not in exceptions:
        return f"{problem}{ended or HINT}"
    if problem:
        print(json.dumps({"unsigned": exceptions[image], "reason": problem}))
    # The registry of the pipeline has not scanned an image of another registry.
    return "" if foreign else scan_problem(ecr, image, context)


def _signature_problem(image: str, *, excepted: bool) -> str:
    """Return why `image` is not signed, or an empty string if it is signed.

    For a signed image, log the folder of the evidence bucket that contains the statements about the image.

    `excepted` says whether the configuration allows the image to be unsigned. If an error prevents the verification,
    return the text of the error if `excepted` is true, and raise the error if `excepted` is false.
    """
    try:
        print(json.dumps({"image": image, "statements": require_signed(image)}))
    except NotSignedError as error:
        return f"{image} is not signed: {error}"
    except Exception as error:
        if not excepted:
            raise
        return f"the signature of {image} cannot be verified: {type(error).__name__}: {error}"
    return ""


def find_problem_of_further(name: str, image: str) -> str:
    """Return why `image` must not run in the additional container `name`, or an empty string if it may run.

    The configuration must list the image's repository, and the image must have a digest. The function does not check
    which digest the image has, because reviewers have approved the digest with the template.
    """
    repository, _, digest = image.partition("@")
    if repository in os.environ["FURTHER"].split(",") and digest.startswith("sha256:"):
        return ""
    return f"{image} of the container {name} has no digest, or its repository is not in the configuration"
