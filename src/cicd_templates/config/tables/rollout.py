"""The tables `[services.<name>.canary]` and `[services.<name>.linear]`, and the choices of a rollout."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from cicd_templates.config.tables.fields import Minutes
from cicd_templates.config.tables.table import Table

# ECS's own deployment strategies, in its words with a hyphen:
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
Rollout = Literal["rolling", "blue-green", "linear", "canary"]
HookName = Literal["verify-image", "smoke"]


class CanaryTable(Table):
    """`[services.<name>.canary]`: how a canary begins, for `rollout = "canary"`."""

    percent: Annotated[float, Field(ge=0.1, le=100)] = Field(
        default=10.0, description="Share of the requests that the new release gets first, in percent"
    )
    bake_minutes: Minutes = Field(default=5, description="How long it has them before it gets the others, in minutes")


class LinearTable(Table):
    """`[services.<name>.linear]`: the steps of a shift, for `rollout = "linear"`."""

    percent: Annotated[float, Field(ge=3, le=100)] = Field(
        default=20.0, description="Share of the requests that each step moves, in percent"
    )
    bake_minutes: Minutes = Field(default=5, description="Time between two steps, in minutes")

    @property
    def waits(self) -> int:
        """The number of waits: one after each step except the step that reaches 100 percent."""
        steps = 100 / self.percent
        whole = round(steps)
        return whole - 1 if math.isclose(steps, whole) else math.floor(steps)
