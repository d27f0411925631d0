"""CodeBuild actions: the project's phases as rendered, run on this machine with the credentials of its own role."""

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
from cicd_templates.rehearsal.build_environment import NOTES_FILE, environment_of, masked, phases_of, served
from cicd_templates.rehearsal.build_projects import Project, Setting
from cicd_templates.rehearsal.buildspec import Buildspec, read_buildspec
from cicd_templates.rehearsal.context import ActionFailedError, Run
from cicd_templates.rehearsal.definition import Action
from cicd_templates.rehearsal.result import Step
from cicd_templates.rehearsal.sessions import Session
from cicd_templates.rehearsal.shell import Outcome, run_phases

REPORT_ACTIONS = ["codebuild:CreateReport", "codebuild:UpdateReport", "codebuild:BatchPutTestCases"]
LOG_LINES = 25
# An event of CloudWatch Logs has at most 256 KB.
LOG_LENGTH = 60_000


def act(run: Run, action: Action, step: Step) -> dict[str, str]:
    """Start the build as the action's role, run it as the project's, hand on its artifact; its exported variables."""
    configuration = run.configured(action)
    project = run.projects.get(configuration["ProjectName"])
    if project is None:
        known = ", ".join(run.projects)
        raise ActionFailedError(f"no project {configuration['ProjectName']}; out/ has {known}")
    settings = [
        Setting(each["name"], each["value"], each.get("type", "PLAINTEXT"))
        for each in json.loads(configuration.get("EnvironmentVariables", "[]"))
    ]
    caller = run.act(action, step).client("codebuild")
    overrides = [{"name": each.name, "value": each.value, "type": each.kind} for each in settings]
    build = caller.start_build(projectName=project.name, environmentVariablesOverride=overrides)["build"]
    try:
        return _built(run, action, step, project, settings, build)
    finally:
        caller.batch_get_builds(ids=[build["id"]])


def _built(
    run: Run, action: Action, step: Step, project: Project, settings: list[Setting], build: dict[str, Any]
) -> dict[str, str]:
    specification = read_buildspec(project.buildspec)
    session = run.serve(project.role, project.arn, step)
    s3 = session.client("s3")
    folder = run.place.folder / f"{action.stage}-{action.name}-{uuid.uuid4().hex[:7]}"
    source = _source(run, action, s3, folder)
    _through_the_cache(s3, project)
    environment = environment_of(run, project, session, specification, settings, build, folder)
    environment |= served(run, action, step)
    began = time.monotonic()
    outcome = run_phases(
        phases_of(step, specification, project, run, folder),
        specification.exported,
        shell=specification.shell,
        source=source,
        folder=folder,
        environment=environment,
        limit_seconds=project.timeout_minutes * 60,
    )
    step.commands += time.monotonic() - began
    outcome = dataclasses.replace(outcome, log=masked(outcome.log, environment, project, specification))
    step.phases = dict(outcome.seconds)
    for note in (folder / NOTES_FILE).read_text().splitlines():
        step.note(note)
    _write_log(session, project, build, outcome)
    step.log = outcome.log
    if outcome.failed:
        raise ActionFailedError(outcome.failed, "\n".join(outcome.log.splitlines()[-LOG_LINES:]))
    _report(run, specification, project, source)
    if specification.artifacts and action.outputs:
        (name,) = action.outputs
        run.artifacts[name] = artifacts.put(s3, run.pipeline, name, artifacts.packed(source, specification.artifacts))
    shutil.rmtree(folder)
    return dict(outcome.exported)


def _source(run: Run, action: Action, s3: Any, folder: Path) -> Path:
    """The input artifact in a folder of its own; the bucket's owner is looked at first, as CodeBuild does."""
    s3.get_bucket_location(Bucket=run.pipeline.bucket)
    s3.get_bucket_acl(Bucket=run.pipeline.bucket)
    source = folder / "src"
    source.mkdir(parents=True)
    artifacts.unpack(artifacts.take(s3, run.input(action)), source)
    return source


def _through_the_cache(s3: Any, project: Project) -> None:
    """Look for the project's cache and leave one: nothing is in it, because nothing is installed here."""
    if project.cache:
        bucket, _, prefix = project.cache.partition("/")
        with contextlib.suppress(s3.exceptions.NoSuchKey):
            s3.get_object(Bucket=bucket, Key=f"{prefix}/cache")
        s3.put_object(Bucket=bucket, Key=f"{prefix}/cache", Body=b"")


def _write_log(session: Session, project: Project, build: dict[str, Any], outcome: Outcome) -> None:
    if project.log_group:
        logs, stream = session.client("logs"), build["id"].partition(":")[2]
        logs.create_log_stream(logGroupName=project.log_group, logStreamName=stream)
        phases = "".join(f"Phase {name}: {seconds:.1f} s\n" for name, seconds in outcome.seconds.items())
        event = {"timestamp": int(time.time() * 1000), "message": f"{outcome.log[-LOG_LENGTH:]}\n{phases}"}
        logs.put_log_events(logGroupName=project.log_group, logStreamName=stream, logEvents=[event])


def _report(run: Run, specification: Buildspec, project: Project, source: Path) -> None:
    """Read the reports of a build as CodeBuild would, and ask for what it does with the project's role."""
    for name, (form, files) in specification.reports.items():
        group = f"{project.arn.rpartition(':')[0]}:report-group/{project.name}-{name}"
        run.place.require(project.role, REPORT_ACTIONS, group)
        found = [path for pattern in files.patterns for path in (source / files.folder).glob(pattern)]
        if not found:
            raise ActionFailedError(f"report {name}: no file matches {', '.join(files.patterns)} in {files.folder}")
        for path in found if form == "JUNITXML" else ():
            try:
                ElementTree.parse(path)  # noqa: S314 - written by a build of this machine's own
            except ElementTree.ParseError as error:
                raise ActionFailedError(f"report {name}: {path.name} is no JUnit XML: {error}") from None
