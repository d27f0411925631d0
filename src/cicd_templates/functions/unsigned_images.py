"""Finds the exceptions in the configuration. An exception lets one image run without a signature until a date.

The environment variable `UNSIGNED_IMAGES` maps environments to lists of exceptions, as JSON. Each exception has `name`,
`image` (with its digest) and `expires`, the last valid day in UTC. An exception is valid only if `expires` is at most
LONGEST_DAYS days from now. For functions that report exceptions, each exception also has `owner` and `reason`.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cicd_templates.functions.evidence_format import moment

LONGEST_DAYS = 90


def day_problem(expires: date, today: date) -> str:
    """Return why an exception that ends on `expires` is not valid today, or an empty string if it is valid."""
    if expires < today:
        return f"ended on {expires}"
    last = today + timedelta(days=LONGEST_DAYS)
    return f"lasts until {expires}, but the latest allowed day is now {last}" if expires > last else ""


def find_exceptions(environment: str) -> tuple[dict[str, dict[str, str]], str]:
    """Return the exceptions in `environment` that are valid today, keyed by image.

    Also return a text that says why the other exceptions in `environment` are not valid.
    """
    today = datetime.now(UTC).date()
    counting, problems = {}, []
    for exception in json.loads(os.environ["UNSIGNED_IMAGES"]).get(environment, ()):
        problem = day_problem(date.fromisoformat(exception["expires"]), today)
        if problem:
            problems.append(f"; the exception {exception['name']} {problem}")
        else:
            counting[exception["image"]] = exception
    return counting, "".join(problems)


def is_exception(image: str) -> bool:
    """Return whether any environment has an exception for `image` that is valid today."""
    environments = json.loads(os.environ["UNSIGNED_IMAGES"])
    return any(image in find_exceptions(environment)[0] for environment in environments)


def report_exceptions(service: str, environment: str, execution: str, reason: str, used: list[dict[str, str]]) -> None:
    """Store a record, as evidence that a stage deploys unsigned images, and notify the security topic.

    If this function is called again with the same arguments, the function stores no second record. For this purpose,
    the record's key contains the SHA-256 of the record without the key `recordedOn`. Raises an error if the record
    cannot be stored, or if the notification cannot be sent.
    """
    import boto3
    from botocore.exceptions import ClientError

    record: dict[str, Any] = {
        "service": service,
        "environment": environment,
        "execution": execution,
        "exceptions": used,
        "reason": reason,
    }
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    content = json.dumps({**record, "recordedOn": moment(datetime.now(UTC))}, indent=2)
    try:
        boto3.client("s3").put_object(
            Bucket=os.environ["EVIDENCE_BUCKET"],
            Key=f"{service}/{execution}/unsigned/{environment}/{digest}.json",
            Body=content.encode(),
            IfNoneMatch="*",
            ChecksumAlgorithm="SHA256",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
    images = "; ".join(
        f"{each['image']}, allowed by the exception {each['name']} of {each['owner']}, until {each['expires']}:"
        f" {each['reason']}"
        for each in used
    )
    boto3.client("sns").publish(
        TopicArn=os.environ["SECURITY_TOPIC"],
        Message=f"{service}: run {execution} deploys images without a signature to {environment}: {images}. {reason}",
    )
