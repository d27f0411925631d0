"""Fail a stage of the pipeline if it would deploy anything that is not signed or not approved.

This function runs directly before a stage executes its change sets. It checks each change set:

- The signed statements about the release must include the image and the template of the change set.
- If releases to the environment need an approval, a record that lists the change set must be approved. Without this
  check, another change set could get the same name after the approval, and the pipeline would execute it.

The configuration can allow a stage to deploy certain unsigned images, as the module `unsigned_images` describes. If a
stage deploys an unsigned image, the function stores evidence of the image, and notifies the security topic. If an
error prevents the check of the signatures, the stage fails, even if the configuration allows the unsigned images.

The user parameters:

- `stacks` and `layers`: the stacks and their layers, in the same order, separated by commas
- `role`: the role that the function assumes to read the change sets
- `statements`: the folder with the signed statements
- `reviewed`: the digest of the record of the review function, if releases to the environment need an approval
- `changeSet`, `region`, `environment` and `execution`

The environment variable `WITHOUT_APPROVAL` lists the environments whose releases need no approval, separated by commas.
`PIPELINE` is the name of the pipeline. The event is never logged, because it contains credentials.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from cicd_templates.functions.approval_records import NotApprovedError, read_record
from cicd_templates.functions.job_failures import report_failure
from cicd_templates.functions.pipeline_jobs import answer_job, read_parameters
from cicd_templates.functions.reviewed_change_sets import ChangeSet, images_in, read_change_set
from cicd_templates.functions.role_clients import client_in_role
from cicd_templates.functions.signed_images import (
    NotSignedError,
    read_newest_templates,
    read_signed_image,
    template_files,
)
from cicd_templates.functions.unsigned_images import find_exceptions, report_exceptions
from cicd_templates.template.returned_text import is_text_of

ARNS = ("stackArn", "changeSetArn")
# The user parameters that every job has, and those that some jobs have.
REQUIRED = frozenset({"stacks", "layers", "changeSet", "role", "region", "environment", "execution", "statements"})
OPTIONAL = frozenset({"reviewed"})


class RefusedError(Exception):
    """Raised if a change set is not signed or not approved. The message has the stack and the difference."""


@dataclass(frozen=True)
class _Release:
    """The images and the templates that a stage may deploy.

    - If `excepted` is false, there is one signed image. Its release also has signed templates.
    - If `excepted` is true, there are unsigned images, which exceptions in the configuration allow. The templates are
      the newest version of the reviewed templates.
    """

    images: list[str]
    templates: list[str]
    excepted: bool = False


def handler(event: dict[str, Any], context: object) -> None:
    """Report that the job succeeded, or that it failed because a change set is unsigned or not approved."""
    import boto3

    job = event["CodePipeline.job"]
    pipeline = boto3.client("codepipeline")
    try:
        parameters = read_parameters(job, REQUIRED, OPTIONAL)
        _require_release(pipeline, parameters)
    except Exception as error:
        report_failure(pipeline, job["id"], "ApprovalCheckErrors", f"Nothing more is executed: {_described(error)}")
    else:
        answer_job(pipeline.put_job_success_result, jobId=job["id"])


def _described(error: Exception) -> str:
    expected = isinstance(error, NotApprovedError | NotSignedError | RefusedError)
    return str(error) if expected else f"{type(error).__name__}: {error}"


def _require_release(pipeline: Any, parameters: dict[str, str]) -> None:
    """Raise an error, so that the stage fails, if a change set is not approved or not signed.

    The configuration can allow unsigned images. If it does not allow an image, the error says why the image is not
    signed.
    """
    approved = None
    if parameters["environment"] not in os.environ["WITHOUT_APPROVAL"].split(","):
        record = read_record(parameters["environment"], parameters["execution"], parameters["reviewed"])
        approved = {entry["stack"]: entry for entry in record["changeSets"]}
    files = template_files(parameters["environment"], parameters["layers"].split(","))
    try:
        release = _read_release(pipeline, parameters, files)
    except NotSignedError as error:
        exceptions, ended = find_exceptions(parameters["environment"])
        if not exceptions:
            raise NotSignedError(f"{error}{ended}") from None
        try:
            _require_exceptions(parameters, files, approved, exceptions, f"Not signed: {error}")
        except Exception as further:
            raise RefusedError(f"{_described(further)}. Not signed: {error}") from further
    else:
        _require_change_sets(parameters, files, approved, release)


def _read_release(pipeline: Any, parameters: dict[str, str], files: list[str]) -> _Release:
    """Return the signed image and the signed templates. Raises `NotSignedError` if the release is not signed."""
    signed = read_signed_image(parameters["statements"])
    _require_run(pipeline, parameters["execution"], signed.execution, parameters["statements"])
    return _Release([signed.image], signed.read_templates(*files))


def _require_exceptions(
    parameters: dict[str, str],
    files: list[str],
    approved: dict[str, Any] | None,
    exceptions: dict[str, dict[str, str]],
    reason: str,
) -> None:
    """Raise an error unless `exceptions` allow the images of all change sets.

    Record the used exceptions as evidence, and notify the security topic.
    """
    release = _Release(list(exceptions), read_newest_templates(*files), excepted=True)
    images = _require_change_sets(parameters, files, approved, release)
    used = [exceptions[image] for image in images]
    report_exceptions(os.environ["SERVICE"], parameters["environment"], parameters["execution"], reason, used)


def _require_change_sets(
    parameters: dict[str, str], files: list[str], approved: dict[str, Any] | None, release: _Release
) -> list[str]:
    """Return the images of the change sets, without duplicates.

    `approved` maps each stack to its approved change set. If `approved` is None, the environment needs no approval.

    Raises an error if a change set is not the approved change set of its stack, or if a change set would deploy an
    image or a template that is not in `release`.
    """
    from botocore.exceptions import ClientError

    cloudformation = client_in_role("cloudformation", parameters["role"], parameters["region"], "approval-check")
    problems: list[str] = []
    images: dict[str, None] = {}
    for stack, file, template in zip(parameters["stacks"].split(","), files, release.templates, strict=True):
        if approved is not None and stack not in approved:
            problems.append(f"{stack}: no change set of this stack was approved")
            continue
        entry = approved and approved[stack]
        try:
            present = read_change_set(cloudformation, stack, parameters["changeSet"])
        except ClientError as error:
            problems.append(_missing(stack, error, entry))
            continue
        if entry:
            problems += _difference(stack, present.entry, entry)
        problems += _unsigned(present, release, file, template)
        images |= dict.fromkeys(images_in(present.answer))
    if problems:
        raise RefusedError("; ".join(problems))
    return list(images)


def _require_run(pipeline: Any, present: str, signed: str, statements: str) -> None:
    """Raise an error if the signed statements are about a wrong pipeline run.

    The right run is the current run, `present`. In a rollback, the right run is the earlier run whose release the
    pipeline deploys again.
    """
    if signed == present:
        return
    answer = pipeline.get_pipeline_execution(pipelineName=os.environ["PIPELINE"], pipelineExecutionId=present)
    run = answer["pipelineExecution"]
    target = run.get("rollbackMetadata", {}).get("rollbackTargetPipelineExecutionId")
    if run.get("executionType") != "ROLLBACK" or target != signed:
        raise RefusedError(
            f"the statements in {statements} are about the run {signed}, but the current run is {present}; only a"
            f" rollback to {signed} may use these statements"
        )


def _missing(stack: str, error: Any, approved: dict[str, str] | None) -> str:
    """Return a message if `error` means that the change set no longer exists. Raise `error` again if it means anything
    else.
    """
    if error.response["Error"]["Code"] not in ("ChangeSetNotFound", "ValidationError"):
        raise error
    name = f"approved change set {approved['changeSetArn']}" if approved else "change set"
    return f"{stack}: the {name} is gone ({error})"


def _difference(stack: str, present: dict[str, str], approved: dict[str, str]) -> list[str]:
    """Return messages that say how a change set differs from the approved one, or an empty list."""
    differing = [part for part in approved if part not in ARNS and approved[part] != present.get(part)]
    parts = f"these parts differ: {', '.join(differing)}" if differing else "all compared parts are equal"
    if any(approved[arn] != present[arn] for arn in ARNS):
        return [
            f"{stack}: {present['changeSetArn']} has replaced the approved change set"
            f" {approved['changeSetArn']}; {parts}"
        ]
    return [f"{stack}: the content of the approved change set has changed; {parts}"] if differing else []


def _unsigned(present: ChangeSet, release: _Release, file: str, template: str) -> list[str]:
    """Return a message for each unsigned image or template of the change set.

    If the change set has no changes, it has no template, so only its images are checked.
    """
    images, kind = images_in(present.answer), "excepted" if release.excepted else "signed"
    problems = []
    if len(images) != 1 or images[0] not in release.images:
        problems.append(
            f"{present.stack} would deploy {', '.join(images) or 'no image'}, but the {kind} image is"
            f" {' or '.join(release.images)}"
        )
    if present.template and not is_text_of(template, present.template):
        age = "newest" if release.excepted else "signed"
        problems.append(f"{present.stack}: the template differs from the file {file} of the {age} templates")
    return problems
