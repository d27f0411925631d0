"""The table `[pipeline]`: the path of a release and the limits of its pipeline."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cicd_templates.config.tables.fields import Word
from cicd_templates.config.tables.table import Table


class PipelineTable(Table):
    """`[pipeline]`: how a release moves."""

    path: tuple[Word, ...] = Field(
        default=("staging", "production"),
        strict=False,
        min_length=1,
        description="Runtime environments in the order in which a release reaches them",
    )
    verify_parallelism: Annotated[int, Field(ge=1, le=50)] = Field(
        default=5, description="Checks that run at once; a fresh account's CodeBuild quota can be 1"
    )
    approval_hours: Annotated[int, Field(ge=1, le=1440)] = Field(
        default=72, description="How long a release waits for its approval before the run fails, in hours"
    )
    reserve_concurrency: bool = Field(
        default=True,
        description="Cap each function's concurrency; a fresh account whose Lambda quota is 10 can reserve none",
    )
    enhanced_scanning: bool = Field(
        default=False,
        description="Let Amazon Inspector scan our images, again and again; it sets the whole registry of the tools"
        " account, so a copy made by a suffix leaves it alone",
    )
