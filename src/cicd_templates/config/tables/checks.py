"""The table `[services.<name>.checks.<check>]`: the tools that report on a release to the scan gate."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cicd_templates.config.tables.fields import Digest, ShellCommand, VariableName, Word
from cicd_templates.config.tables.table import Table

# A format that the scan gate reads; presets have theirs.
ReportFormat = Literal[
    "bandit",
    "cyclonedx",
    "detect-secrets",
    "grype",
    "junit",
    "pip-audit",
    "safety",
    "sarif",
    "semgrep",
    "snyk",
    "trivy",
]
Preset = Literal["bandit", "safety", "secrets", "snyk", "unit-tests"]


class CheckTable(Table):
    """`[services.<name>.checks.<check>]`: a tool that reports on the source; only the gate decides."""

    preset: Preset | None = Field(default=None, description="A known check; every other key then changes it")
    image: Digest | None = Field(default=None, description="Image that the check runs in, by digest")
    install: tuple[ShellCommand, ...] = Field(default=(), strict=False, description="Commands that install the tool")
    version: ShellCommand | None = Field(default=None, description="Command that prints the version of the tool")
    commands: tuple[ShellCommand, ...] = Field(
        default=(), strict=False, description="Commands of the check; they write to `$REPORT`, in the source's folder"
    )
    format: ReportFormat | None = Field(default=None, description="What the report is written in")
    secrets: dict[VariableName, Word] = Field(
        default={}, description="Variables of the check that are secrets, by the secret's name (`make secret`)"
    )
    timeout_minutes: Annotated[int, Field(ge=5, le=60)] | None = Field(
        default=None, description="Minutes after which the check is ended; default 10"
    )
