"""Stores as evidence what an approver sees: change sets and a page. Reads it again before a stage executes anything.

A record is about one stage in one pipeline execution. It lists the change sets, and the SHA-256 of the page and of the
page's data. These two files are stored with the same key prefix as the record.

The S3 key of a record contains the SHA-256 of the record. The review function also puts this digest in a pipeline
variable. So `read_record` notices if a role with write access to the bucket has replaced the record.

The environment variable `EVIDENCE_BUCKET` is the bucket of the records, and `APPROVALS` is their key prefix.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any

from cicd_templates.functions.reviewed_change_sets import canonical, digest_of

RECORD_NAME, PAGE_NAME, PAGE_DATA_NAME = "change-sets.json", "page.html", "page.json"
CONTENT_TYPES = {"html": "text/html; charset=utf-8", "json": "application/json"}


class NotApprovedError(Exception):
    """Raised if a stage would execute something that was not approved. The message says what was not approved."""


def store_record(environment: str, execution: str, change_sets: list[dict[str, str]], page: dict[str, str]) -> str:
    """Store the record of the change sets, and the page that the approver sees. Return the digest of the record.

    `page` maps the names of the page's files to their texts.
    """
    record = {
        "environment": environment,
        "execution": execution,
        "changeSets": change_sets,
        "page": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in page.items()},
    }
    digest = digest_of(record)
    # The record is stored last. So if the record exists, the page exists, too.
    for name, text in {**page, RECORD_NAME: canonical(record)}.items():
        put_once(record_key(environment, execution, digest, name), text, CONTENT_TYPES[name.rpartition(".")[2]])
    return digest


def put_once(key: str, text: str, content_type: str) -> None:
    """Store an object in the evidence bucket. Do nothing if the object exists, because then an earlier attempt of the
    job has stored it.
    """
    import boto3
    from botocore.exceptions import ClientError

    bucket = os.environ["EVIDENCE_BUCKET"]
    try:
        boto3.client("s3").put_object(
            Bucket=bucket,
            Key=key,
            Body=text.encode(),
            ContentType=content_type,
            IfNoneMatch="*",
            # A bucket with Object Lock accepts only uploads with a checksum.
            ChecksumAlgorithm="SHA256",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise


def record_key(environment: str, execution: str, digest: str, name: str) -> str:
    """Return the S3 key of the file `name` that belongs to the record with this digest."""
    return f"{os.environ['APPROVALS']}/{environment}/{execution}/{digest}/{name}"


def read_record(environment: str, execution: str, digest: str) -> dict[str, Any]:
    """Return the record of the change sets that were approved for an environment in a pipeline execution.

    Raises `NotApprovedError` in these cases:

    - There is no record.
    - The record, or the page that the approver saw, was replaced after the approval.
    - The record has no page, because an older version of the review function stored the record.
    """
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise NotApprovedError(f"nothing was approved, because the review returned {digest!r} instead of a digest")
    key = record_key(environment, execution, digest, RECORD_NAME)
    record: dict[str, Any] = json.loads(_read(key))
    if digest_of(record) != digest or (record["environment"], record["execution"]) != (environment, execution):
        raise NotApprovedError(f"the stored record is not the approved record: {key}")
    if not isinstance(record.get("page"), dict):
        raise NotApprovedError(
            f"{key}: an older version of the review function stored this record without a page; retry the whole stage"
        )
    for name, expected in record["page"].items():
        key = record_key(environment, execution, digest, name)
        if hashlib.sha256(_read(key)).hexdigest() != expected:
            raise NotApprovedError(f"the stored page is not the approved page: {key}")
    return record


def _read(key: str) -> bytes:
    """Return an object of the evidence bucket. Raises `NotApprovedError` if it cannot be read."""
    import boto3
    from botocore.exceptions import ClientError

    try:
        body: bytes = boto3.client("s3").get_object(Bucket=os.environ["EVIDENCE_BUCKET"], Key=key)["Body"].read()
    except ClientError as error:
        # For a missing key, S3 answers "access denied" to a caller that may not list the bucket.
        code = error.response["Error"]["Code"]
        raise NotApprovedError(f"the record of the approval could not be read ({code}): {key}") from None
    return body
