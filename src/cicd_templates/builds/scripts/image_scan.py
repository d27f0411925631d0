"""Block a release if the registry's scan of its image finds vulnerabilities, or if the image has no scan.

The script waits for the scan of the image $IMAGE_URI in the repository $REPOSITORY. It starts a scan if there is none,
or if the last basic scan is older than a day. Its argument is the file to which it writes the findings. It exits with 1
in these cases:

- $IMAGE_URI does not end in a digest.
- A finding has one of the severities in $SEVERITIES, or a higher severity.
- A finding has no known severity, and $UNRATED is not `pass`.
- The scan failed or is missing.
- The scan's counts of findings differ from its findings.
"""

import json
import os
import re
import sys
import time
from collections import Counter
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
SCALE = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")
# Stands for UNDEFINED, UNTRIAGED, an unknown word, and a missing severity.
UNRATED = "UNRATED"
SHOWN = 5


def wait_for_scan(ecr: Any, repository: str, digest: str) -> tuple[str, dict[str, int], list[Any]]:
    """Wait until the image's scan has ended, but at most WAIT_SECONDS. Return its status, counts and findings.

    Also wait until the counts match the findings. They can differ for a moment while Inspector monitors the image.
    """
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
        counts, findings = contents(pages)
        settled = status not in RUNNING and not (status in DONE and contradiction(counts, findings))
        if settled or time.monotonic() > deadline:
            return status, counts, findings
        time.sleep(POLL_SECONDS)


def read_scan(ecr: Any, image: dict[str, Any]) -> list[Any]:
    """Return the pages of the image's scan result, or an empty list if ECR has no scan of the image.

    After a push, ECR has no scan for a short time. If the scanning rules of the registry exclude the repository, ECR
    never scans the image.
    """
    try:
        return list(ecr.get_paginator("describe_image_scan_findings").paginate(**image))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ScanNotFoundException":
            raise
        return []


def contents(pages: list[Any]) -> tuple[dict[str, int], list[Any]]:
    """Return the number of findings of each severity, as counted by the registry, and the list of all findings."""
    results = [page.get("imageScanFindings", {}) for page in pages]
    findings = [item for page in results for item in page.get("findings", []) + page.get("enhancedFindings", [])]
    return (results[0].get("findingSeverityCounts", {}) if results else {}), findings


def is_outdated(page: dict[str, Any]) -> bool:
    """Return whether the result is from a basic scan that ended more than a day ago."""
    ended = page.get("imageScanFindings", {}).get("imageScanCompletedAt")
    return page["imageScanStatus"]["status"] == "COMPLETE" and bool(ended) and datetime.now(UTC) - ended > OLDEST_RESULT


def start_scan(ecr: Any, image: dict[str, Any]) -> bool:
    """Start a scan of the image. Return False if ECR refuses, for example because it scanned the image recently."""
    try:
        ecr.start_image_scan(**image)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_STARTED:
            raise
        return False
    return True


def severity_of(finding: Any) -> str:
    """Return a finding's severity, or UNRATED if SCALE does not contain it."""
    word = finding.get("severity") if isinstance(finding, dict) else None
    return word if word in SCALE else UNRATED


def contradiction(counts: dict[str, int], findings: list[Any]) -> str:
    """Return how the registry's counts differ from its list of findings, or an empty string if they agree."""
    listed = Counter(severity_of(finding) for finding in findings)
    counted: Counter[str] = Counter()
    for word, number in counts.items():
        counted[word if word in SCALE else UNRATED] += number
    words = [word for word in (*SCALE, UNRATED) if listed[word] != counted[word]]
    return ", ".join(f"{counted[word]} {word} counted and {listed[word]} listed" for word in words)


def name_of(finding: Any) -> str:
    """Return the name of a vulnerability. Unprintable characters become `?`."""
    details = finding.get("packageVulnerabilityDetails") if isinstance(finding, dict) else None
    name = details.get("vulnerabilityId") if isinstance(details, dict) else None
    name = name or (finding.get("name") if isinstance(finding, dict) else None)
    return "".join(letter if letter.isprintable() else "?" for letter in str(name))[:60]


def problem_of(status: str, counts: dict[str, int], findings: list[Any]) -> str:
    """Return why the result of a scan blocks the release, or an empty string if it does not."""
    if status not in DONE:
        return f"has status {status}, so the release is blocked"
    if wrong := contradiction(counts, findings):
        return f"has counts that differ from its list of findings, so the release is blocked: {wrong}"
    last = max(SCALE.index(word) for word in os.environ["SEVERITIES"].split(","))
    unrated = () if os.environ.get("UNRATED") == "pass" else (UNRATED,)
    blocking = [finding for finding in findings if severity_of(finding) in (*SCALE[: last + 1], *unrated)]
    if not blocking:
        return ""
    blocking_counts = dict(Counter(severity_of(finding) for finding in blocking))
    names = ", ".join(name_of(finding) for finding in blocking[:SHOWN])
    more = f" and {len(blocking) - SHOWN} more" if len(blocking) > SHOWN else ""
    return (
        f"found vulnerabilities that block the release ({blocking_counts}): {names}{more}; see {sys.argv[1]} in the"
        " evidence bucket"
    )


def main() -> None:
    """Write the result of the image scan to a file. Exit with 1 if this result blocks the release."""
    repository, (_, _, digest) = os.environ["REPOSITORY"], os.environ["IMAGE_URI"].partition("@")
    if not re.fullmatch("sha256:[0-9a-f]{64}", digest):
        sys.exit(f"{os.environ['IMAGE_URI']!r} does not end in a digest (@sha256:<64 hexadecimal digits>)")
    status, counts, findings = wait_for_scan(boto3.client("ecr"), repository, digest)
    summary = {"repository": repository, "digest": digest, "status": status, "counts": counts, "findings": findings}
    with open(sys.argv[1], "w") as file:
        json.dump(summary, file, indent=2, default=str)
    if problem := problem_of(status, counts, findings):
        sys.exit(f"the registry's scan of {digest} {problem}")
    print(f"the registry's scan of {digest} found nothing that blocks the release: {counts}")


main()
