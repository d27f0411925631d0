"""A build specification: its phases and what it hands on.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from cicd_templates.errors import CicdError

PHASES = ("install", "pre_build", "build", "post_build")
# What a specification may say that a rehearsal leaves out; `cache` is done by the project's own setting.
LEFT_OUT = ("batch", "proxy", "cache", "run-as")
KNOWN = {"version", "env", "phases", "artifacts", "reports", *LEFT_OUT}


@dataclass(frozen=True)
class Phase:
    """One phase: its commands, and those that run whatever became of them."""

    name: str
    commands: tuple[str, ...]
    finally_: tuple[str, ...]


@dataclass(frozen=True)
class Files:
    """Files of a build, from a folder of it."""

    folder: str
    patterns: tuple[str, ...]


@dataclass(frozen=True)
class Buildspec:
    """What a build does. `reports` are by name, each with its format."""

    shell: str
    variables: Mapping[str, str]
    secrets: Mapping[str, str]
    parameters: Mapping[str, str]
    exported: tuple[str, ...]
    phases: tuple[Phase, ...]
    artifacts: Files | None
    reports: Mapping[str, tuple[str, Files]]


def read_buildspec(text: str) -> Buildspec:
    """The specification of a text. Raises `CicdError` for one that CodeBuild would refuse, or is not known here."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CicdError(f"the build specification is no YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(raw, dict) or raw.get("version") != 0.2:
        raise CicdError("the build specification is not of version 0.2, whose commands share a shell")
    if unknown := sorted(raw.keys() - KNOWN):
        raise CicdError(f"the build specification has {', '.join(unknown)}, which CodeBuild does not know")
    if unknown := sorted(raw.get("phases", {}).keys() - set(PHASES)):
        raise CicdError(f"the build specification has a phase {unknown[0]}; there are {', '.join(PHASES)}")
    env = raw.get("env", {})
    artifacts = raw.get("artifacts")
    return Buildspec(
        # The default of the Linux images: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.shell
        shell=env.get("shell", "sh"),
        variables=env.get("variables", {}),
        secrets=env.get("secrets-manager", {}),
        parameters=env.get("parameter-store", {}),
        exported=tuple(env.get("exported-variables", ())),
        phases=tuple(_phase(name, raw["phases"][name]) for name in PHASES if name in raw.get("phases", {})),
        artifacts=_files(artifacts) if artifacts else None,
        reports={
            name: (report.get("file-format", "JUNITXML"), _files(report))
            for name, report in raw.get("reports", {}).items()
        },
    )


def _phase(name: str, phase: Mapping[str, Any]) -> Phase:
    for command in (*phase.get("commands", ()), *phase.get("finally", ())):
        if not isinstance(command, str):
            raise CicdError(f"phase {name} has a command that YAML takes for no text, {command!r}; put it into quotes")
    return Phase(name, tuple(phase.get("commands", ())), tuple(phase.get("finally", ())))


def _files(section: Mapping[str, Any]) -> Files:
    return Files(section.get("base-directory", "."), tuple(section["files"]))
