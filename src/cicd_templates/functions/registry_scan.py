"""Decides whether an image may run: it must be in the pipeline's repository, and the registry's scan must allow it.

Environment variables: `REPOSITORY` is the repository's address without tag or digest. `SEVERITIES` are the severities
that block a release.
"""

from __future__ import annotations

import os
import re
import time
from typing import Any

# A basic scan ends as COMPLETE; an enhanced scan stays ACTIVE while Inspector monitors the image.
DONE = ("COMPLETE", "ACTIVE")
RUNNING = ("IN_PROGRESS", "PENDING")
POLL_SECONDS = 5
# Milliseconds that must remain for the answer after the last request.
RESERVE = 10_000


def image_problem(ecr: Any, image: str, context: Any) -> str:
    """Return the reason why `image` must not run, or an empty string if it may run."""
    return address_problem(image) or scan_problem(ecr, image, context)


def address_problem(image: str) -> str:
    """Return an error message if `image` has no digest or is in another repository. Otherwise, return an empty text."""
    repository, _, digest = image.partition("@")
    if repository == os.environ["REPOSITORY"] and re.fullmatch("sha256:[0-9a-f]{64}", digest):
        return ""
    return f"{image} does not name an image in {os.environ['REPOSITORY']} by its digest"


def scan_problem(ecr: Any, image: str, context: Any) -> str:
    """Return why the registry's scan forbids `image` to run, or an empty string if the scan allows this.

    `image` is an address with a digest.
    """
    repository, _, digest = image.partition("@")
    status, counts = wait_for_scan(ecr, repository, digest, context)
    if status not in DONE:
        return f"the registry's scan of {digest} has status {status}"
    blocking_counts = {name: counts[name] for name in os.environ["SEVERITIES"].split(",") if counts.get(name)}
    return f"the registry's scan of {digest} found vulnerabilities: {blocking_counts}" if blocking_counts else ""


def wait_for_scan(ecr: Any, repository: str, digest: str, context: Any) -> tuple[str, dict[str, int]]:
    """Wait until the scan of the image has ended, or until shortly before the function's timeout.

    Return the scan's status, and the number of its findings by severity.
    """
    from botocore.exceptions import ClientError

    registry, _, name = repository.partition("/")
    while True:
        try:
            answer = ecr.describe_image_scan_findings(
                registryId=registry.partition(".")[0], repositoryName=name, imageId={"imageDigest": digest}
            )
        except ClientError as error:
            # The scan starts with the push, but the API does not return it immediately.
            if error.response["Error"]["Code"] != "ScanNotFoundException":
                raise
            answer = {"imageScanStatus": {"status": "PENDING"}}
        status = answer["imageScanStatus"]["status"]
        if status not in RUNNING or context.get_remaining_time_in_millis() < RESERVE:
            return status, answer.get("imageScanFindings", {}).get("findingSeverityCounts", {})
        time.sleep(POLL_SECONDS)
