"""Reads the job of a Lambda action, and reports the result to the pipeline. Several functions share this module."""

from __future__ import annotations

import json
from collections.abc import Set
from typing import Any

# Errors for a job that an earlier delivery of the same event has already answered.
ANSWERED = ("InvalidJobStateException", "JobNotFoundException")


def read_parameters(job: dict[str, Any], required: Set[str], optional: Set[str] = frozenset()) -> dict[str, str]:
    """Return the user parameters of a job: all parameters in `required`, and those in `optional` that the job has.

    CodePipeline inserts the values of variables into the JSON text without escaping them. So a malicious build could
    add parameters through the value of a variable. Raises `ValueError` if a name is unexpected, missing or repeated.
    """
    text = job["data"]["actionConfiguration"]["configuration"]["UserParameters"]
    parameters = json.loads(text, object_pairs_hook=_without_repetition)
    if not isinstance(parameters, dict) or not required <= parameters.keys() <= required | optional:
        given = sorted(parameters) if isinstance(parameters, dict) else type(parameters).__name__
        raise ValueError(f"the user parameters must be {sorted(required)}, not {given}")
    if wrong := sorted(name for name, value in parameters.items() if not isinstance(value, str)):
        raise ValueError(f"the user parameters {wrong} are not strings")
    return parameters


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"the user parameters {repeated} occur twice")
    return dict(pairs)


def answer_job(put_result: Any, **answer: Any) -> None:
    """Report the result of a job to CodePipeline. If the job already has an answer, raise no error."""
    from botocore.exceptions import ClientError

    try:
        put_result(**answer)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "OutputVariablesSizeExceededException":
            # Answer without the output variables. Stages that need these variables then do not run.
            put_result(jobId=answer["jobId"])
        elif code not in ANSWERED:
            raise


def fail_job(pipeline: Any, job_id: str, message: str) -> None:
    """Report to CodePipeline that a job failed, and why."""
    answer_job(pipeline.put_job_failure_result, jobId=job_id, failureDetails={"type": "JobFailed", "message": message})
