"""The second gate: block a release whose image has vulnerabilities according to the registry, or was not scanned.

Wait until the scan of $REPOSITORY@$IMAGE_DIGEST has ended, write the findings to the file named by the argument, and
exit 1 for a finding with a severity in $SEVERITIES, for a failed scan and for a missing scan. Start a scan if there is
none, or if the last basic scan is older than a day.
"""

import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError

WAIT_SECONDS = 300
POLL_SECONDS = 5
# A basic scan ends as COMPLETE; an enhanced scan stays ACTIVE while Inspector monitors the image.
DONE = ("COMPLETE", "ACTIVE")
RUNNING = ("IN_PROGRESS", "PENDING")
# ECR starts only one basic scan of an image in 24 hours. An enhanced scan is continuous, and ECR refuses to start one:
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-basic.html
OLDEST_RESULT = timedelta(days=1)
NOT_STARTED = ("LimitExceededException", "ValidationException")


def wait_for_scan(ecr: Any, repository: str, digest: str) -> tuple[str, dict[str, int], list[Any]]:
    """Wait for the image's scan. Return its status, the number of findings by severity, and the findings."""
    image = {"repositoryName": repository, "imageId": {"imageDigest": digest}}
    deadline = time.monotonic() + WAIT_SECONDS
    refused = False
    started = False
    while True:
        pages = read_scan(ecr, image)
        status = pages[0]["imageScanStatus"]["status"] if pages else "PENDING"
        if not pages or is_outdated(pages[0]):
            if not started:
                started, refused = True, not start_scan(ecr, image)
            if not refused:
                status = "PENDING"
        if status not in RUNNING or time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    results = [page.get("imageScanFindings", {}) for page in pages]
    counts = results[0].get("findingSeverityCounts", {}) if results else {}
    findings = [item for page in results for item in page.get("findings", []) + page.get("enhancedFindings", [])]
    return status, counts, findings


def read_scan(ecr: Any, image: dict[str, Any]) -> list[Any]:
    """Return the pages of the image's scan result, or none if ECR does not know a scan.

    The scan on push is not known at once. It never starts in a registry whose scanning rules exclude the repository.
    """
    try:
        return list(ecr.get_paginator("describe_image_scan_findings").paginate(**image))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ScanNotFoundException":
            raise
        return []


def is_outdated(page: dict[str, Any]) -> bool:
    """Return whether the result is that of a basic scan which ended more than a day ago."""
    ended = page.get("imageScanFindings", {}).get("imageScanCompletedAt")
    return page["imageScanStatus"]["status"] == "COMPLETE" and bool(ended) and datetime.now(UTC) - ended > OLDEST_RESULT


def start_scan(ecr: Any, image: dict[str, Any]) -> bool:
    """Start a scan of the image. Return False if ECR refuses because the image is or was just scanned."""
    try:
        ecr.start_image_scan(**image)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_STARTED:
            raise
        return False
    return True


def main() -> None:
    """Write the result of the scan, and exit 1 if it blocks the release."""
    repository, digest = os.environ["REPOSITORY"], os.environ["IMAGE_DIGEST"]
    status, counts, findings = wait_for_scan(boto3.client("ecr"), repository, digest)
    summary = {"repository": repository, "digest": digest, "status": status, "counts": counts, "findings": findings}
    with open(sys.argv[1], "w") as file:
        json.dump(summary, file, indent=2, default=str)
    if status not in DONE:
        sys.exit(f"the registry's scan of {digest} has status {status}, so the release is blocked")
    blocking_counts = {name: counts[name] for name in os.environ["SEVERITIES"].split(",") if counts.get(name)}
    if blocking_counts:
        message = f"the registry's scan of {digest} found blocking vulnerabilities: {blocking_counts}"
        sys.exit(f"{message}; see {sys.argv[1]} in the evidence bucket")
    print(f"the registry's scan of {digest} found nothing that blocks the release: {counts}")


main()
