"""Sets up a build on this machine: its variables, credentials, tools, replaced programs and adapted phases."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from cicd_templates.rehearsal.build_projects import Project, Setting
from cicd_templates.rehearsal.build_tools import (
    CONTAINER_PROGRAMS,
    PIP_PROGRAMS,
    PUBLIC_SERVICE_PROGRAMS,
    SERVICE_PROGRAMS,
    download_commands,
    only_checks_hashes,
    search_path,
    with_private_tmp,
    write_programs,
)
from cicd_templates.rehearsal.buildspec import Buildspec, Phase
from cicd_templates.rehearsal.pipeline_definition import Action
from cicd_templates.rehearsal.pipeline_run import PipelineRun
from cicd_templates.rehearsal.result import ActionProgress
from cicd_templates.rehearsal.sessions import Session

NOTES_FILE = "notes"


def build_environment(
    run: PipelineRun,
    project: Project,
    session: Session,
    specification: Buildspec,
    settings: list[Setting],
    build: dict[str, Any],
    folder: Path,
) -> dict[str, str]:
    """Return the environment variables of a build.

    https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
    """
    temporary, programs = folder / "tmp", folder / "programs"
    (folder / NOTES_FILE).touch()
    if _has_service_tokens(run, project):
        # A build that has the tokens of its external services installs its own tools from the network.
        temporary.mkdir()
        write_programs(programs, CONTAINER_PROGRAMS)
        network, tools = dict(run.setup.network), Path(sys.base_prefix, "bin")
    else:
        write_programs(programs, CONTAINER_PROGRAMS)
        network, tools = {"PIP_NO_INDEX": "1"}, run.setup.tools.link_into(temporary / "tool")
        # A real build would install these programs in the same folder.
        write_programs(tools, PIP_PROGRAMS | SERVICE_PROGRAMS)
        write_programs(
            tools,
            {name: program for name, program in PUBLIC_SERVICE_PROGRAMS.items() if run.setup.tools.lacks(name)},
        )
    given = dict(specification.variables)
    for setting in _settings(project, settings, specification):
        given[setting.name] = _value(session, setting)
    return {
        "PATH": search_path(programs, tools),
        "HOME": str(folder),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        # Proxies cannot reach the local AWS.
        "NO_PROXY": "127.0.0.1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "REHEARSAL_NOTES": str(folder / NOTES_FILE),
        "CODEBUILD_SRC_DIR": str(folder / "src"),
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_INITIATOR": f"codepipeline/{run.pipeline.name}",
        "CODEBUILD_RESOLVED_SOURCE_VERSION": run.source_version,
        "AWS_REGION": run.setup.region,
        "AWS_DEFAULT_REGION": run.setup.region,
        "AWS_ENDPOINT_URL": run.setup.endpoint,
        "AWS_ACCESS_KEY_ID": session.keys.access,
        "AWS_SECRET_ACCESS_KEY": session.keys.secret,
        "AWS_SESSION_TOKEN": session.keys.token or "",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **network,
        **given,
    }


def _settings(project: Project, settings: list[Setting], specification: Buildspec) -> list[Setting]:
    """Return the variables of a build. If a name occurs twice, the last value is used."""
    secrets = [Setting(name, value, "SECRETS_MANAGER") for name, value in specification.secrets.items()]
    parameters = [Setting(name, value, "PARAMETER_STORE") for name, value in specification.parameters.items()]
    return [*project.settings, *settings, *secrets, *parameters]


def mask_secrets(text: str, environment: Mapping[str, str], project: Project, specification: Buildspec) -> str:
    """Return `text` with the values of secrets and parameters replaced by `***`, as in CodeBuild's logs."""
    for setting in _settings(project, [], specification):
        if setting.kind != "PLAINTEXT" and environment[setting.name]:
            text = text.replace(environment[setting.name], "***")
    return text


def _has_service_tokens(run: PipelineRun, project: Project) -> bool:
    """Return whether the user has provided all tokens that the project needs. If it needs none, return False."""
    needed = project.needs_a_service
    return bool(needed) and all(name in run.setup.tokens for name in needed)


def _value(session: Session, setting: Setting) -> str:
    """Return the value of a variable. A value in Secrets Manager or Parameter Store is read with the project's role."""
    if setting.kind == "SECRETS_MANAGER":
        # First the name or ARN of a secret (an ARN has six colons), then optionally a key of the JSON in the secret.
        parts = setting.value.split(":")
        own = 7 if parts[0] == "arn" else 1
        secret = session.client("secretsmanager").get_secret_value(SecretId=":".join(parts[:own]))["SecretString"]
        return str(json.loads(secret)[parts[own]]) if parts[own:] else str(secret)
    if setting.kind == "PARAMETER_STORE":
        found = session.client("ssm").get_parameter(Name=setting.value, WithDecryption=True)
        return str(found["Parameter"]["Value"])
    return setting.value


def application_addresses(
    run: PipelineRun, action: Action, step: ActionProgress, until: contextlib.ExitStack
) -> dict[str, str]:
    """Start a local process for each deployed service whose address is in an environment variable of `action`.

    Return these environment variables with new values. In each value, scheme, host and port are those of the local
    process, and the path is unchanged.

    The processes end when the `ExitStack` named `until` closes.
    """
    deploying = {each.namespace: each for each in run.pipeline.actions if each.provider == "CloudFormation"}
    started: dict[str, str] = {}
    found = {}
    for each in json.loads(action.configuration.get("EnvironmentVariables", "[]")):
        namespace = each["value"].removeprefix("#{").partition(".")[0]
        deployed = urlsplit(run.resolve_text(each["value"])) if namespace in deploying else urlsplit("")
        if deployed.scheme in ("https", "http"):
            if namespace not in started:
                started[namespace] = until.enter_context(run.setup.serve(run, step, deploying[namespace]))
            process = urlsplit(started[namespace])
            found[each["name"]] = urlunsplit(deployed._replace(scheme=process.scheme, netloc=process.netloc))
            step.note(
                "a rehearsal starts no containers, so rehearsal/serve has started a local process; the variable"
                f" {each['name']} has its address"
            )
    return found


def runnable_phases(
    step: ActionProgress, specification: Buildspec, project: Project, run: PipelineRun, folder: Path
) -> list[Phase]:
    """Return the phases with only the commands that can run on this machine, and with a private folder instead of /tmp.

    If the build has the tokens of its external services, all commands can run. Otherwise, commands that download
    something are left out.

    A command that only installs packages with `pip install --require-hashes` always stays. A rehearsal replaces pip
    with a program that checks the hashes and downloads nothing.
    """
    temporary = folder / "tmp"
    phases = []
    fetching: list[str] = []
    for phase in specification.phases:
        if not _has_service_tokens(run, project):
            fetching += download_commands(phase.name, phase.commands)
        left_out = [command for command in fetching if not only_checks_hashes(command)]
        kept = tuple(with_private_tmp(each, temporary) for each in phase.commands if each not in left_out)
        phases.append(Phase(phase.name, kept, tuple(with_private_tmp(each, temporary) for each in phase.finally_)))
    # A recorded report replaces a check that needs an external service, so the versions of its tools do not matter.
    tools = run.setup.tools
    compared = [command for command in fetching if not tools.installs_replaced_program(command)]
    if compared and not project.needs_a_service:
        step.note(f"the tools come from a prepared virtual environment: {tools.comparison(compared)}")
    return phases
