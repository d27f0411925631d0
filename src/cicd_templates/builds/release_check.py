"""Defines a check of a release as data: a tool that examines the source and reports to the scan gate."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from cicd_templates.config.tables.checks import ReportFormat
from cicd_templates.config.tables.service import BOOTSTRAP_IMAGE

# A small public image with Python on Debian. A new service runs the same image before its first release.
PYTHON_IMAGE = BOOTSTRAP_IMAGE
TIMEOUT_MINUTES = 10


class ReleaseCheck(NamedTuple):
    """A tool that examines the source and writes a report to `$REPORT`.

    The tool's exit code is recorded, but does not decide about the release.

    - `tools` has the commands that run first, outside the source.
    - `install` and `commands` run afterwards, in the service's folder.
    - `runs_application` is false only for a tool that certainly runs no code of the application or its packages.
    - `tool` is the tool's name in its report. The gate checks the name if several tools write the same format.
    """

    name: str
    image: str
    version: str
    commands: tuple[str, ...]
    format: ReportFormat
    runs_application: bool
    tool: str = ""
    tools: tuple[str, ...] = ()
    install: tuple[str, ...] = ()
    secrets: Mapping[str, str] = MappingProxyType({})
    timeout_minutes: int = TIMEOUT_MINUTES
