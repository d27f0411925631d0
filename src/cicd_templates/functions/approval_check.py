"""Fail a stage of the pipeline if its change sets differ from those approved in this pipeline execution.

The pipeline executes a change set by its name. After the approval, another change set can get that name. So this
function runs after the approval, directly before the stage executes anything. It compares each change set that the
stage will execute with the record that the review function stored. It fails if there is no record.

The user parameters are `stacks` (separated by commas), `changeSet`, `role` (assumed to read the change sets), `region`,
`environment`, `execution`, and `reviewed` (the digest of the record). The function stores nothing. The event is never
logged, because it contains credentials.
"""

from __future__ import annotations

import json
from typing import Any

from cicd_templates.functions.approval_records import NotApprovedError, read_record
from cicd_templates.functions.job_failures import report_failure
from cicd_templates.functions.pipeline_jobs import answer_job
from cicd_templates.functions.reviewed_change_sets import read_change_set
from cicd_templates.functions.role_clients import client_in_role

ARNS = ("stackArn", "changeSetArn")


def handler(event: dict[str, Any], context: object) -> None:
    """Report the job's success, or a failure that names the change set that was not approved."""
    import boto3

    job = event["CodePipeline.job"]
    pipeline = boto3.client("codepipeline")
    try:
        parameters = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
        _require_approved(parameters)
    except Exception as error:
        reason = str(error) if isinstance(error, NotApprovedError) else f"{type(error).__name__}: {error}"
        report_failure(pipeline, job["id"], "ApprovalCheckErrors", f"Nothing more is executed: {reason}")
    else:
        answer_job(pipeline.put_job_success_result, jobId=job["id"])


def _require_approved(parameters: dict[str, str]) -> None:
    """Raise `NotApprovedError` if a change set is not the approved one, or if there is no record of an approval."""
    record = read_record(parameters["environment"], parameters["execution"], parameters["reviewed"])
    approved = {entry["stack"]: entry for entry in record["changeSets"]}
    cloudformation = client_in_role("cloudformation", parameters["role"], parameters["region"], "approval-check")
    differences = [
        difference
        for stack in parameters["stacks"].split(",")
        if (difference := _difference(cloudformation, stack, parameters["changeSet"], approved.get(stack)))
    ]
    if differences:
        raise NotApprovedError("; ".join(differences))


def _difference(cloudformation: Any, stack: str, name: str, approved: dict[str, str] | None) -> str:
    """Return how the change set `name` differs from the approved one, or an empty string."""
    from botocore.exceptions import ClientError

    if approved is None:
        return f"{stack}: no change set of this stack was approved"
    try:
        present = read_change_set(cloudformation, stack, name).entry
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ChangeSetNotFound", "ValidationError"):
            raise
        return f"{stack}: the approved change set {approved['changeSetArn']} is gone ({error})"
    differing = [part for part in approved if part not in ARNS and approved[part] != present.get(part)]
    parts = f"different: {', '.join(differing)}" if differing else "with the same content"
    if any(approved[arn] != present[arn] for arn in ARNS):
        return (
            f"{stack}: {present['changeSetArn']} has taken the place of the approved change set"
            f" {approved['changeSetArn']}, {parts}"
        )
    return f"{stack}: the content of the approved change set has changed, {parts}" if differing else ""
