"""The second gate: stops a release whose image the registry finds vulnerable, or has not scanned.

Asks for $REPOSITORY@$IMAGE_DIGEST until the scan has ended, writes the findings to the file that is its argument, and
exits 1 for a severity of $SEVERITIES, for a scan that failed and for none.
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
# A basic scan ends in COMPLETE; an enhanced one is ACTIVE for as long as Inspector watches the image.
DONE = ("COMPLETE", "ACTIVE")
RUNNING = ("IN_PROGRESS", "PENDING")


def scanned(ecr: Any, repository: str, digest: str) -> tuple[str, dict[str, int], list[Any]]:
    """The scan's status, its counts by severity and its findings, of every page."""
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
            # The scan begins at the push, but is not known at once.
            if error.response["Error"]["Code"] != "ScanNotFoundException":
                raise
            pages, status = [], "PENDING"
        if status not in RUNNING or time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    found = [page.get("imageScanFindings", {}) for page in pages]
    counts = found[0].get("findingSeverityCounts", {}) if found else {}
    findings = [item for page in found for item in page.get("findings", []) + page.get("enhancedFindings", [])]
    return status, counts, findings


def main() -> None:
    """Asks, notes, and exits 1 where the image must not pass."""
    repository, digest = os.environ["REPOSITORY"], os.environ["IMAGE_DIGEST"]
    status, counts, findings = scanned(boto3.client("ecr"), repository, digest)
    summary = {"repository": repository, "digest": digest, "status": status, "counts": counts, "findings": findings}
    with open(sys.argv[1], "w") as file:
        json.dump(summary, file, indent=2, default=str)
    if status not in DONE:
        sys.exit(f"the registry's scan of {digest} is {status}, so nothing is known of it and it does not pass")
    stopping = {name: counts[name] for name in os.environ["SEVERITIES"].split(",") if counts.get(name)}
    if stopping:
        sys.exit(f"the registry's scan of {digest} found {stopping}; see {sys.argv[1]} in the evidence")
    print(f"the registry's scan of {digest} found nothing that stops a release: {counts}")


main()
