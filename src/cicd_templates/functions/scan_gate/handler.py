"""The scan gate of a pipeline, closed: it judges no reports yet, and so it lets nothing pass."""

from __future__ import annotations

from typing import Any

# A job that was answered before, by an earlier delivery of the same event, needs no second answer.
ANSWERED = ("InvalidJobStateException", "JobNotFoundException")
REFUSAL = "The scan gate does not judge reports yet, so it lets no release pass."


def handler(event: dict[str, Any], context: object) -> None:
    """Answer the job with a refusal. The event is never logged: it carries credentials."""
    import boto3
    from botocore.exceptions import ClientError

    job_id = event["CodePipeline.job"]["id"]
    try:
        boto3.client("codepipeline").put_job_failure_result(
            jobId=job_id, failureDetails={"type": "ConfigurationError", "message": REFUSAL}
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in ANSWERED:
            raise
