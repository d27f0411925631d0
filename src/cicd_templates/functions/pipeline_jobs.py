"""Answers the job of a pipeline's Lambda action. The functions that run such jobs share this module."""

from __future__ import annotations

from typing import Any

# Errors for a job that an earlier delivery of the same event has already answered.
ANSWERED = ("InvalidJobStateException", "JobNotFoundException")


def answer_job(put_result: Any, **answer: Any) -> None:
    """Report the result of a job to CodePipeline. A job that already has an answer causes no error."""
    from botocore.exceptions import ClientError

    try:
        put_result(**answer)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "OutputVariablesSizeExceededException":
            # Stages that need the variables stay locked, but the job is answered.
            put_result(jobId=answer["jobId"])
        elif code not in ANSWERED:
            raise


def fail_job(pipeline: Any, job_id: str, message: str) -> None:
    """Report to CodePipeline that a job failed, and why."""
    answer_job(pipeline.put_job_failure_result, jobId=job_id, failureDetails={"type": "JobFailed", "message": message})
