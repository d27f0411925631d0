"""What a build finds around it: variables, credentials, tools, programs, and phases that fit this machine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cicd_templates.rehearsal.build_projects import Project, Setting
from cicd_templates.rehearsal.buildspec import Buildspec, Phase
from cicd_templates.rehearsal.context import Run
from cicd_templates.rehearsal.definition import Action
from cicd_templates.rehearsal.result import Step
from cicd_templates.rehearsal.sessions import Session
from cicd_templates.rehearsal.tools import (
    CONTAINER_PROGRAMS,
    SERVICE_PROGRAMS,
    downloads,
    in_folder,
    search_path,
    write_programs,
)

NOTES_FILE = "notes"


def environment_of(
    run: Run,
    project: Project,
    session: Session,
    specification: Buildspec,
    settings: list[Setting],
    build: dict[str, Any],
    folder: Path,
) -> dict[str, str]:
    """The environment of a build: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html"""
    temporary, programs = folder / "tmp", folder / "programs"
    (folder / NOTES_FILE).touch()
    if _asked(run, project):
        # It makes its own environment, from the network.
        temporary.mkdir()
        write_programs(programs, CONTAINER_PROGRAMS)
        network, tools = dict(run.place.network), Path(sys.base_prefix, "bin")
    else:
        write_programs(programs, CONTAINER_PROGRAMS | SERVICE_PROGRAMS)
        network, tools = {"PIP_NO_INDEX": "1"}, run.place.tools.place(temporary / "tool")
    given = dict(specification.variables)
    for setting in _settings(project, settings, specification):
        given[setting.name] = _value(session, setting)
    return {
        "PATH": search_path(programs, tools),
        "HOME": str(folder),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        # No proxy leads to the local AWS.
        "NO_PROXY": "127.0.0.1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "REHEARSAL_NOTES": str(folder / NOTES_FILE),
        "CODEBUILD_SRC_DIR": str(folder / "src"),
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_INITIATOR": f"codepipeline/{run.pipeline.name}",
        "CODEBUILD_RESOLVED_SOURCE_VERSION": run.source_version,
        "AWS_REGION": run.place.region,
        "AWS_DEFAULT_REGION": run.place.region,
        "AWS_ENDPOINT_URL": run.place.endpoint,
        "AWS_ACCESS_KEY_ID": session.keys.access,
        "AWS_SECRET_ACCESS_KEY": session.keys.secret,
        "AWS_SESSION_TOKEN": session.keys.token or "",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **network,
        **given,
    }


def _settings(project: Project, settings: list[Setting], specification: Buildspec) -> list[Setting]:
    """The variables of a build, the last of a name being the one that counts."""
    secrets = [Setting(name, value, "SECRETS_MANAGER") for name, value in specification.secrets.items()]
    parameters = [Setting(name, value, "PARAMETER_STORE") for name, value in specification.parameters.items()]
    return [*project.settings, *settings, *secrets, *parameters]


def masked(text: str, environment: Mapping[str, str], project: Project, specification: Buildspec) -> str:
    """`text` without what is kept as a secret or a parameter, as CodeBuild shows it."""
    for setting in _settings(project, [], specification):
        if setting.kind != "PLAINTEXT" and environment[setting.name]:
            text = text.replace(environment[setting.name], "***")
    return text


def _asked(run: Run, project: Project) -> bool:
    """Whether somebody gave what the project's services want."""
    needed = project.needs_a_service
    return bool(needed) and all(name in run.place.tokens for name in needed)


def _value(session: Session, setting: Setting) -> str:
    """The value of a variable, read with the project's role where it is kept elsewhere."""
    if setting.kind == "SECRETS_MANAGER":
        # An id or an ARN, which has six colons of its own, then perhaps a key of the JSON in it.
        parts = setting.value.split(":")
        own = 7 if parts[0] == "arn" else 1
        secret = session.client("secretsmanager").get_secret_value(SecretId=":".join(parts[:own]))["SecretString"]
        return str(json.loads(secret)[parts[own]]) if parts[own:] else str(secret)
    if setting.kind == "PARAMETER_STORE":
        found = session.client("ssm").get_parameter(Name=setting.value, WithDecryption=True)
        return str(found["Parameter"]["Value"])
    return setting.value


def served(run: Run, action: Action, step: Step) -> dict[str, str]:
    """Variables that have the address of what was deployed: no container runs here, so a process is asked instead."""
    outputs = {each.namespace for each in run.pipeline.actions if each.provider == "CloudFormation"} - {""}
    found = {}
    for each in json.loads(action.configuration.get("EnvironmentVariables", "[]")):
        namespace = each["value"].removeprefix("#{").partition(".")[0]
        if namespace in outputs and run.substituted(each["value"]).startswith(("https://", "http://")):
            found[each["name"]] = run.place.serve()
            step.note(f"{each['name']} is a process that rehearsal/serve starts, because no container is started")
    return found


def phases_of(step: Step, specification: Buildspec, project: Project, run: Run, folder: Path) -> list[Phase]:
    """The phases with their own /tmp, without what would fetch from the network unless a token asks for it."""
    temporary = folder / "tmp"
    phases = []
    left_out: list[str] = []
    for phase in specification.phases:
        fetching = [] if _asked(run, project) else list(downloads(phase.name, phase.commands))
        left_out += fetching
        kept = tuple(in_folder(each, temporary) for each in phase.commands if each not in fetching)
        phases.append(Phase(phase.name, kept, tuple(in_folder(each, temporary) for each in phase.finally_)))
    # What a service would have to be asked for is not run at all, so its tools do not matter.
    if left_out and not project.needs_a_service:
        step.note(f"tools come from a prepared environment, {run.place.tools.compared(left_out)}")
    return phases
