"""Stores the findings of a release that passed the gate, so that the next summary can say which findings are new."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from cicd_templates.functions.scan_gate.decide import Decision

# S3 lists keys in the order of their bytes. This number minus the time makes the newest key the first.
_LATEST = 10**10


def known_fingerprints(s3: Any) -> set[str] | None:
    """Return the fingerprints of all findings of the last release that passed, or None if no release has passed."""
    bucket = os.environ["EVIDENCE_BUCKET"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=_prefix(), MaxKeys=1).get("Contents", [])
    if not listed:
        return None
    body = s3.get_object(Bucket=bucket, Key=listed[0]["Key"])["Body"].read()
    return set(json.loads(body))


def remember_release(s3: Any, execution: str, decision: Decision) -> None:
    """Store the fingerprints of all findings of a release that passed.

    The S3 key of the new object sorts before the keys of earlier releases, so S3 lists the newest release first.
    """
    from botocore.exceptions import ClientError

    fingerprints = sorted({finding.fingerprint for judged in decision.findings for finding in judged.alike})
    key = f"{_prefix()}{_LATEST - int(time.time())}-{execution}.json"
    try:
        body = json.dumps(fingerprints).encode()
        # A bucket with Object Lock accepts only uploads with a checksum.
        s3.put_object(
            Bucket=os.environ["EVIDENCE_BUCKET"], Key=key, Body=body, IfNoneMatch="*", ChecksumAlgorithm="SHA256"
        )
    except ClientError as error:
        # A repeated delivery of the event has already stored the fingerprints within the same second.
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise


def _prefix() -> str:
    return f"{os.environ['SERVICE']}/passed/"
