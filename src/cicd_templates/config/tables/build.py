"""The table `[services.<name>.build]`: how the image is built and what is recorded about it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cicd_templates.config.tables.field_types import FolderPath, ShellCommand
from cicd_templates.config.tables.table import Table


class BuildTable(Table):
    """`[services.<name>.build]`: how the image is built, and what is recorded about it."""

    dockerfile: FolderPath = Field(default="Dockerfile", description="Path of the Dockerfile, relative to the source")
    context: FolderPath = Field(default=".", description="Build context, relative to the source")
    sbom: tuple[ShellCommand, ...] = Field(
        default=("cyclonedx-py requirements requirements.txt --output-format JSON --output-file $SBOM",),
        strict=False,
        min_length=1,
        description="Commands that write a CycloneDX bill of materials to `$SBOM`",
    )
    timeout_minutes: Annotated[int, Field(ge=5, le=60)] = Field(
        default=15, description="Minutes after which the build is stopped"
    )
    scan_severities: tuple[Literal["CRITICAL", "HIGH", "MEDIUM", "LOW"], ...] = Field(
        default=("CRITICAL", "HIGH"),
        strict=False,
        min_length=1,
        description="Severities in the registry's image scan that stop a release",
    )
