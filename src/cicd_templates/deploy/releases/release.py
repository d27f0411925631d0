"""Uploads a release to the source bucket, and follows the pipeline run that the upload starts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.aws.retry import ignore_transient
from cicd_templates.deploy.diagnosis.causes.codepipeline import service_facts
from cicd_templates.deploy.releases.archives import Archive
from cicd_templates.errors import CicdError, CredentialsError, DetachedError

if TYPE_CHECKING:
    from mypy_boto3_codepipeline.type_defs import ActionExecutionDetailTypeDef

SOURCE_ACTION_NAME = "App"
START_SECONDS = 120.0
# A run is followed for one day at most, although the configuration may let it wait longer for an approval.
RUN_SECONDS = 24 * 3600.0
# The message warns the user not to repeat the command: that would start another run instead of following this one.
AFTER_TIMEOUT = "follow the run in the console; do not release again, because this would start another run"
RUN_IN_PROGRESS = ("InProgress", "Stopping")


def upload_source(clients: Clients, bucket: str, key: str, archive: Archive) -> str:
    """Upload `archive` as a new version of the source, and return the version id. S3 encrypts the upload."""
    answer = clients.s3.put_object(
        Bucket=bucket,
        Key=key,
        Body=archive.data,
        ContentType="application/zip",
        # S3 verifies the upload with this checksum and stores it with the version, for audits.
        ChecksumAlgorithm="SHA256",
        # Metadata is sent in HTTP headers, which only allow ASCII.
        Metadata={"revision": archive.revision, "author": quote(archive.author, safe=" <>@+.,-")},
    )
    return answer["VersionId"]


def wait_for_start(clients: Clients, pipeline: str, version: str, polling: Polling) -> str:
    """Return the id of the pipeline run that started because the source version `version` was uploaded.

    Raises `CicdError` if no run starts within two minutes.
    """
    started: list[str] = []

    def begun() -> bool:
        runs = clients.codepipeline.list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]
        started.extend(
            run["pipelineExecutionId"]
            for run in runs
            for revision in run.get("sourceRevisions", ())
            if (revision["actionName"], revision.get("revisionId")) == (SOURCE_ACTION_NAME, version)
        )
        return bool(started)

    with _detaching(f"version {version} is uploaded and starts a run of {pipeline}"):
        what = f"the start of {pipeline} for version {version}"
        polling.until(ignore_transient(begun), what, START_SECONDS, AFTER_TIMEOUT)
    return started[0]


def follow(clients: Clients, pipeline: str, execution: str, polling: Polling, say: Callable[[str], None]) -> None:
    """Follow a pipeline run until it ends. Call `say` whenever the state of an action changes.

    Raises `CicdError` if the run fails.
    """
    known: dict[str, str] = {}
    causes: list[tuple[str, ActionExecutionDetailTypeDef]] = []
    status = ""

    def ended() -> bool:
        nonlocal status
        run = clients.codepipeline.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=execution)
        status = run["pipelineExecution"]["status"]
        for action in _actions(clients, pipeline, execution):
            if known.get(action["actionExecutionId"]) != action["status"]:
                known[action["actionExecutionId"]] = action["status"]
                line = f"{action['stageName']}/{action['actionName']}: {_describe_action(action)}"
                say(line)
                if action["status"] == "Failed":
                    causes.append((line, action))
        return status not in RUN_IN_PROGRESS

    with _detaching(f"the run {execution} of {pipeline} continues in AWS"):
        what = f"the run {execution} of {pipeline}"
        polling.until(ignore_transient(ended), what, RUN_SECONDS, AFTER_TIMEOUT)
    if status != "Succeeded":
        ended_as = f"{pipeline}: the run {execution} has ended as {status}"
        if not causes:
            raise CicdError(f"{ended_as}; see the results of its actions above")
        cause, failed = causes[-1]
        raise CicdError("\n  ".join([f"{ended_as}; {cause}", *service_facts(clients, failed)]))


@contextlib.contextmanager
def _detaching(state: str) -> Iterator[None]:
    """Raise `DetachedError` if the credentials stop working or the user presses Ctrl-C within the `with` block.

    The pipeline continues in AWS. `state` is a phrase that tells the user what the pipeline is still doing.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise DetachedError(f"this command was stopped, but {state}; {AFTER_TIMEOUT}") from None
    except CredentialsError as error:
        raise DetachedError(f"{error}: {state}; {AFTER_TIMEOUT}") from None


def _actions(clients: Clients, pipeline: str, execution: str) -> Iterator[ActionExecutionDetailTypeDef]:
    """Yield the actions of the run, oldest first. CodePipeline lists them newest first."""
    pages = clients.codepipeline.get_paginator("list_action_executions").paginate(
        pipelineName=pipeline, filter={"pipelineExecutionId": execution}
    )
    yield from reversed([action for page in pages for action in page["actionExecutionDetails"]])


def _describe_action(action: ActionExecutionDetailTypeDef) -> str:
    category = action.get("input", {}).get("actionTypeId", {}).get("category")
    if action["status"] == "InProgress" and category == "Approval":
        return "waits for an approval"
    result = action.get("output", {}).get("executionResult", {})
    details = result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary") or ""
    return f"{action['status']}{': ' if details else ''}{details}"
