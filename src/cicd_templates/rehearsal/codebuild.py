"""Executes CodeBuild actions on this machine: runs the phases of a project with the credentials of its role."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import time
import uuid
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from cicd_templates.rehearsal import artifacts
from cicd_templates.rehearsal.build_environment import (
    NOTES_FILE,
    application_addresses,
    build_environment,
    mask_secrets,
    runnable_phases,
)
from cicd_templates.rehearsal.build_projects import Project, Setting
from cicd_templates.rehearsal.build_shell import BuildOutcome, run_phases
from cicd_templates.rehearsal.buildspec import Buildspec, read_buildspec
from cicd_templates.rehearsal.pipeline_definition import Action
from cicd_templates.rehearsal.pipeline_run import ActionFailedError, PipelineRun
from cicd_templates.rehearsal.result import ActionProgress
from cicd_templates.rehearsal.sessions import Session

REPORT_ACTIONS = ["codebuild:CreateReport", "codebuild:UpdateReport", "codebuild:BatchPutTestCases"]
BUILD_LOG_LINES = 25
# CloudWatch Logs accepts events of up to 256 KB.
LOG_LENGTH = 60_000


def execute(run: PipelineRun, action: Action, step: ActionProgress) -> dict[str, str]:
    """Run the build of an action, and return the variables that the build exports.

    The action's role starts the build. The commands of the build run with the project's role.
    """
    configuration = run.resolve_configuration(action)
    project = run.projects.get(configuration["ProjectName"])
    if project is None:
        known = ", ".join(run.projects)
        raise ActionFailedError(
            f"there is no CodeBuild project {configuration['ProjectName']}; the projects in out/ are {known}"
        )
    settings = [
        Setting(each["name"], each["value"], each.get("type", "PLAINTEXT"))
        for each in json.loads(configuration.get("EnvironmentVariables", "[]"))
    ]
    caller = run.action_session(action, step).client("codebuild")
    overrides = [{"name": each.name, "value": each.value, "type": each.kind} for each in settings]
    build = caller.start_build(projectName=project.name, environmentVariablesOverride=overrides)["build"]
    try:
        return _run_build(run, action, step, project, settings, build)
    finally:
        caller.batch_get_builds(ids=[build["id"]])


def _run_build(
    run: PipelineRun,
    action: Action,
    step: ActionProgress,
    project: Project,
    settings: list[Setting],
    build: dict[str, Any],
) -> dict[str, str]:
    specification = read_buildspec(project.buildspec)
    session = run.service_session(project.role, project.arn, step)
    s3 = session.client("s3")
    folder = run.setup.folder / f"{action.stage}-{action.name}-{uuid.uuid4().hex[:7]}"
    source = _unpack_source(run, action, s3, folder)
    _touch_cache(s3, project)
    environment = build_environment(run, project, session, specification, settings, build, folder)
    with contextlib.ExitStack() as until:
        environment |= application_addresses(run, action, step, until)
        began = time.monotonic()
        outcome = run_phases(
            runnable_phases(step, specification, project, run, folder),
            specification.exported,
            shell=specification.shell,
            source=source,
            folder=folder,
            environment=environment,
            limit_seconds=project.timeout_minutes * 60,
        )
        step.commands += time.monotonic() - began
    outcome = dataclasses.replace(outcome, log=mask_secrets(outcome.log, environment, project, specification))
    step.phases = dict(outcome.seconds)
    for note in (folder / NOTES_FILE).read_text().splitlines():
        step.note(note)
    _write_log(session, project, build, outcome)
    step.log = outcome.log
    if outcome.failed:
        raise ActionFailedError(outcome.failed, "\n".join(outcome.log.splitlines()[-BUILD_LOG_LINES:]))
    _check_reports(run, specification, project, source)
    if specification.artifacts and action.outputs:
        (name,) = action.outputs
        run.artifacts[name] = artifacts.put_artifact(
            s3, run.pipeline, name, artifacts.pack_files(source, specification.artifacts)
        )
    shutil.rmtree(folder)
    return dict(outcome.exported)


def _unpack_source(run: PipelineRun, action: Action, s3: Any, folder: Path) -> Path:
    """Unpack the input artifact into a new folder, and return the folder.

    Like CodeBuild, first read the location and the access control list of the pipeline's bucket.
    """
    s3.get_bucket_location(Bucket=run.pipeline.bucket)
    s3.get_bucket_acl(Bucket=run.pipeline.bucket)
    source = folder / "src"
    source.mkdir(parents=True)
    artifacts.unpack(artifacts.read_artifact(s3, run.input_artifact(action)), source)
    return source


def _touch_cache(s3: Any, project: Project) -> None:
    """Read the cache of the project, then replace it by an empty cache, to check the permissions of the project's role.

    The new cache is empty because a rehearsal installs nothing.
    """
    if project.cache:
        bucket, _, prefix = project.cache.partition("/")
        with contextlib.suppress(s3.exceptions.NoSuchKey):
            s3.get_object(Bucket=bucket, Key=f"{prefix}/cache")
        s3.put_object(Bucket=bucket, Key=f"{prefix}/cache", Body=b"")


def _write_log(session: Session, project: Project, build: dict[str, Any], outcome: BuildOutcome) -> None:
    if project.log_group:
        logs, stream = session.client("logs"), build["id"].partition(":")[2]
        logs.create_log_stream(logGroupName=project.log_group, logStreamName=stream)
        phases = "".join(f"Phase {name}: {seconds:.1f} s\n" for name, seconds in outcome.seconds.items())
        event = {"timestamp": int(time.time() * 1000), "message": f"{outcome.log[-LOG_LENGTH:]}\n{phases}"}
        logs.put_log_events(logGroupName=project.log_group, logStreamName=stream, logEvents=[event])


def _check_reports(run: PipelineRun, specification: Buildspec, project: Project, source: Path) -> None:
    """Check the reports of a build, and whether the project's role allows CodeBuild to upload them.

    Raises `ActionFailedError` if a permission or a file is missing, or if a JUnit report is not valid XML.
    """
    for name, (form, files) in specification.reports.items():
        group = f"{project.arn.rpartition(':')[0]}:report-group/{project.name}-{name}"
        run.setup.require_allowed(project.role, REPORT_ACTIONS, group)
        found = [path for pattern in files.patterns for path in (source / files.folder).glob(pattern)]
        if not found:
            raise ActionFailedError(f"report {name}: no file matches {', '.join(files.patterns)} in {files.folder}")
        for path in found if form == "JUNITXML" else ():
            try:
                ElementTree.parse(path)  # noqa: S314 - written by a build of this machine's own
            except ElementTree.ParseError as error:
                raise ActionFailedError(f"report {name}: {path.name} is not valid JUnit XML: {error}") from None
