"""The command `release`, which uploads a release and follows its pipeline run."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from cicd_templates import hints
from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import LOCAL, SERVICE, SUFFIX, make_option
from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.plurals import counted

LOCAL_START_SECONDS = 10.0


@verb(
    "release",
    SUFFIX,
    SERVICE,
    LOCAL,
    make_option("--app", variable="APP", default="", help="Git work tree, folder or .zip file."),
    make_option(
        "--wait", variable="WAIT", is_flag=True, help="Follow the run to its end; exit with 1 if it does not succeed."
    ),
)
def release(app: str, wait: bool, service: str | None, suffix: str | None, local: bool) -> None:
    """Start a run of a service's pipeline: put a release of the service into the source bucket."""
    from cicd_templates.deploy.aws.polling import Polling
    from cicd_templates.deploy.releases import archives
    from cicd_templates.deploy.releases import release as releasing

    if not app:
        raise ConfigurationError(
            f"which source? Name a git work tree, a folder or a .zip file with {hints.option('APP')}"
        )
    if wait and local:
        raise ConfigurationError(
            f"leave out {hints.option('WAIT', value=True)}: the local AWS has no pipeline run to follow"
        )
    tools = selection.tools(suffix, local)
    of = selection.only_service(tools.environment, service)
    if of.settings.source == "github":
        raise ConfigurationError(f"{of.name} is released from GitHub; push to {of.settings.github.branch} instead")
    archive = archives.source_archive(Path(app), of.settings.path)
    archive.require(Path(app), of.settings.build.dockerfile, of.settings.path)
    bucket = tools.value("storage", "SourceBucketName")
    pipeline = tools.value("pipeline", "PipelineName", of.name)
    if bucket is None or pipeline is None:
        first = hints.make("deploy", ENV=tools.environment.name, SUFFIX=suffix, LOCAL=local)
        raise CicdError(f"{of.name} has no pipeline yet; deploy it first: {first}")
    version = releasing.upload_source(tools.clients, bucket, of.release_key, archive)
    terminal.show(f"released {of.name} {archive.revision} by {archive.author}")
    terminal.show(f"  source   s3://{bucket}/{of.release_key}, {len(archive.data):,} bytes")
    if archive.left_out:
        named = ", ".join(archive.left_out[:3]) + (", ..." if len(archive.left_out) > 3 else "")
        terminal.show(f"  left out {counted(len(archive.left_out), 'file')} that git does not track: {named}")
    terminal.show(f"  version  {version}")
    if local:
        _show_local_start(tools.environment.account, version)
        return
    with selection.detaching(f"this command was stopped, but version {version} is released; {releasing.AFTER_TIMEOUT}"):
        execution = releasing.wait_for_start(tools.clients, pipeline, version, Polling())
        terminal.show(f"  run      {execution} of {pipeline}")
        if wait:
            releasing.follow(tools.clients, pipeline, execution, Polling(), lambda line: terminal.show(f"  {line}"))
            terminal.show(f"{of.name}: the release has passed every stage of its pipeline")


def _show_local_start(account: str, version: str) -> None:
    """Show the request with which EventBridge would start the pipeline.

    The pipeline does not start, because the local AWS has no CodePipeline.
    """
    from cicd_templates.cli.accounts import LOCAL_POLL_SECONDS
    from cicd_templates.deploy.aws.polling import Polling
    from cicd_templates.local import engine_state_file

    record = engine_state_file.required().record
    starts: list[dict[str, Any]] = []

    def begun() -> bool:
        starts.extend(start for start in record.starts(account) if version in json.dumps(start["request"]))
        return bool(starts)

    Polling(poll_seconds=LOCAL_POLL_SECONDS).until(begun, f"the start for version {version}", LOCAL_START_SECONDS)
    terminal.show(f"  run      {starts[0]['execution']}: recorded, but the local AWS has no CodePipeline to start it")
    terminal.show_page(textwrap.indent(f"request\n{json.dumps(starts[0]['request'], indent=2)}", "  "))
