"""The second gate: block a release whose image has vulnerabilities according to the registry, or was not scanned.

Wait until the scan of $REPOSITORY@$IMAGE_DIGEST has ended, write the findings to the file named by the argument, and
exit 1 for a finding with a severity in $SEVERITIES, for a failed scan and for a missing scan.
"""

import json
import os
import sys
import time
from typing import Any

import boto3
from botocore.exceptions import ClientError

WAIT_SECONDS = 300
POLL_SECONDS = 5
# A basic scan ends as COMPLETE; an enhanced scan stays ACTIVE while Inspector monitors the image.
DONE = ("COMPLETE", "ACTIVE")
RUNNING = ("IN_PROGRESS", "PENDING")


def wait_for_scan(ecr: Any, repository: str, digest: str) -> tuple[str, dict[str, int], list[Any]]:
    """Wait for the image's scan. Return its status, the number of findings by severity, and the findings."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            pages = list(
                ecr.get_paginator("describe_image_scan_findings").paginate(
                    repositoryName=repository, imageId={"imageDigest": digest}
                )
            )
            status = pages[0]["imageScanStatus"]["status"]
        except ClientError as error:
            # The scan starts with the push, but the API does not know it at once.
            if error.response["Error"]["Code"] != "ScanNotFoundException":
                raise
            pages, status = [], "PENDING"
        if status not in RUNNING or time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    results = [page.get("imageScanFindings", {}) for page in pages]
    counts = results[0].get("findingSeverityCounts", {}) if results else {}
    findings = [item for page in results for item in page.get("findings", []) + page.get("enhancedFindings", [])]
    return status, counts, findings


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
