"""Agrees to a deployment only where its image is one that the pipeline has built and the registry finds well.

ECS asks before the first task of a new release is started:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html
Variables: `REPOSITORY` (without tag or digest), `BOOTSTRAP` (the image before the first release), `SEVERITIES`.
An error is no answer, and without an answer ECS takes the release back.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

# A basic scan ends in COMPLETE; an enhanced one is ACTIVE for as long as Inspector watches the image.
DONE = ("COMPLETE", "ACTIVE")
RUNNING = ("IN_PROGRESS", "PENDING")
POLL_SECONDS = 5
# Time to answer after the last look, in milliseconds.
RESERVE = 10_000


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """`hookStatus` SUCCEEDED or FAILED; why stands in the log."""
    import boto3

    # The documentation shows the details at the top, AWS's own samples read them from a member.
    details = event.get("executionDetails", event)
    ecs = boto3.client("ecs")
    revisions = ecs.describe_service_revisions(serviceRevisionArns=[details["targetServiceRevisionArn"]])
    definition = revisions["serviceRevisions"][0]["taskDefinition"]
    containers = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]["containerDefinitions"]
    ecr = boto3.client("ecr")
    wrong = [why for container in containers if (why := objection(ecr, container["image"], context))]
    agreed = bool(containers) and not wrong
    print(json.dumps({"agreed": agreed, "images": [container["image"] for container in containers], "why": wrong}))
    return {"hookStatus": "SUCCEEDED" if agreed else "FAILED"}


def objection(ecr: Any, image: str, context: Any) -> str:
    """Why `image` must not run, or nothing."""
    if image == os.environ["BOOTSTRAP"]:
        return ""
    repository, _, digest = image.partition("@")
    if repository != os.environ["REPOSITORY"] or not digest.startswith("sha256:"):
        return f"{image} is not a digest of {os.environ['REPOSITORY']}"
    status, counts = scanned(ecr, repository, digest, context)
    if status not in DONE:
        return f"the registry's scan of {digest} is {status}"
    stopping = {name: counts[name] for name in os.environ["SEVERITIES"].split(",") if counts.get(name)}
    return f"the registry's scan of {digest} found {stopping}" if stopping else ""


def scanned(ecr: Any, repository: str, digest: str, context: Any) -> tuple[str, dict[str, int]]:
    """The state of the image's scan and its findings by severity; waits for one that runs while there is time."""
    from botocore.exceptions import ClientError

    registry, _, name = repository.partition("/")
    while True:
        try:
            answer = ecr.describe_image_scan_findings(
                registryId=registry.partition(".")[0], repositoryName=name, imageId={"imageDigest": digest}
            )
        except ClientError as error:
            # The scan begins at the push, but is not known at once.
            if error.response["Error"]["Code"] != "ScanNotFoundException":
                raise
            answer = {"imageScanStatus": {"status": "PENDING"}}
        status = answer["imageScanStatus"]["status"]
        if status not in RUNNING or context.get_remaining_time_in_millis() < RESERVE:
            return status, answer.get("imageScanFindings", {}).get("findingSeverityCounts", {})
        time.sleep(POLL_SECONDS)
