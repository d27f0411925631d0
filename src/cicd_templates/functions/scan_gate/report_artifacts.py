"""Finds and reads the report artifacts of one pipeline execution.

CodePipeline's API says which action wrote an artifact, and where the artifact is stored. A build cannot change this
information, so it cannot replace the report of another check.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from cicd_templates.functions.scan_gate.artifacts import MAX_BYTES
from cicd_templates.functions.scan_gate.reading import UnusableError

# AWS does not document how soon ListActionExecutions shows that an action has ended, so the gate calls it several
# times.
LISTINGS = 5
SECONDS_BETWEEN_LISTINGS = 3


@dataclass(frozen=True)
class StoredReport:
    """The exact version of a report artifact that the gate read. `sha256` is the digest of its bytes."""

    key: str
    version: str
    sha256: str


def find_artifacts(codepipeline: Any, execution: str, names: Collection[str]) -> dict[str, dict[str, str]]:
    """Return the bucket and key of each artifact in `names` that an action of this execution wrote.

    Only the newest run of each action counts. If this run did not succeed, the action's artifact is left out.
    """
    located = _put_out_artifacts(codepipeline, execution)
    for _ in range(LISTINGS - 1):
        if located.keys() >= set(names):
            break
        time.sleep(SECONDS_BETWEEN_LISTINGS)
        located = _put_out_artifacts(codepipeline, execution)
    return {name: located[name] for name in names if name in located}


def _put_out_artifacts(codepipeline: Any, execution: str) -> dict[str, dict[str, str]]:
    """Return the bucket and key of every artifact that the actions of this execution wrote, keyed by name."""
    pages = codepipeline.get_paginator("list_action_executions").paginate(
        pipelineName=os.environ["PIPELINE"], filter={"pipelineExecutionId": execution}
    )
    listed = [each for page in pages for each in page["actionExecutionDetails"]]
    own = [each for each in listed if each["pipelineExecutionId"] == execution]
    # A retried action is listed once for each of its runs.
    newest = {(each["stageName"], each["actionName"]): each for each in sorted(own, key=lambda each: each["startTime"])}
    return {
        artifact["name"]: artifact["s3location"]
        for each in newest.values()
        if each["status"] == "Succeeded"
        for artifact in each.get("output", {}).get("outputArtifacts", ())
    }


def fetch_artifact(s3: Any, location: dict[str, str]) -> tuple[bytes, StoredReport]:
    """Return the bytes of an artifact and the exact version that was read.

    Raises `UnusableError` if the artifact is larger than MAX_BYTES.
    """
    answer = s3.get_object(Bucket=location["bucket"], Key=location["key"])
    if answer["ContentLength"] > MAX_BYTES:
        raise UnusableError(f"the artifact has {answer['ContentLength']:,} bytes, but the limit is {MAX_BYTES:,}")
    data = bytes(answer["Body"].read())
    return data, StoredReport(location["key"], answer["VersionId"], hashlib.sha256(data).hexdigest())
