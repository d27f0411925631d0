"""Parses the build specification of a CodeBuild project: phases, environment, artifacts and reports.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from cicd_templates.errors import CicdError

PHASES = ("install", "pre_build", "build", "post_build")
# Valid keys that a rehearsal ignores. The cache is configured in the project's settings, not by this key.
LEFT_OUT = ("batch", "proxy", "cache", "run-as")
KNOWN = {"version", "env", "phases", "artifacts", "reports", *LEFT_OUT}


@dataclass(frozen=True)
class Phase:
    """A phase: its commands, and its `finally` commands, which run even after a failure."""

    name: str
    commands: tuple[str, ...]
    finally_: tuple[str, ...]


@dataclass(frozen=True)
class Files:
    """File patterns below a base directory."""

    folder: str
    patterns: tuple[str, ...]


@dataclass(frozen=True)
class Buildspec:
    """A parsed build specification; `reports` maps the name of each report to its format and files."""

    shell: str
    variables: Mapping[str, str]
    secrets: Mapping[str, str]
    parameters: Mapping[str, str]
    exported: tuple[str, ...]
    phases: tuple[Phase, ...]
    artifacts: Files | None
    reports: Mapping[str, tuple[str, Files]]


def read_buildspec(text: str) -> Buildspec:
    """Parse a build specification. Raises `CicdError` if CodeBuild or a rehearsal does not support it."""
    try:
        raw = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise CicdError(f"the build specification is not valid YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(raw, dict) or raw.get("version") != 0.2:
        raise CicdError("the build specification must have version 0.2")
    if unknown := sorted(raw.keys() - KNOWN):
        raise CicdError(f"the build specification has {', '.join(unknown)}, which CodeBuild does not support")
    if unknown := sorted(raw.get("phases", {}).keys() - set(PHASES)):
        raise CicdError(
            f"the build specification has the unknown phase {unknown[0]}; the phases are {', '.join(PHASES)}"
        )
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
            raise CicdError(f"phase {name} has a command that is not a string, {command!r}; quote it")
    return Phase(name, tuple(phase.get("commands", ())), tuple(phase.get("finally", ())))


def _files(section: Mapping[str, Any]) -> Files:
    return Files(section.get("base-directory", "."), tuple(section["files"]))
