"""The tables `[services.<name>.canary]` and `[services.<name>.linear]`, and the types of `rollout` and `hooks`."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from cicd_templates.config.tables.field_types import Minutes
from cicd_templates.config.tables.table import Table

# ECS's deployment strategies, written in lower case and with a hyphen:
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
Rollout = Literal["rolling", "blue-green", "linear", "canary"]
HookName = Literal["verify-image", "smoke"]


class CanaryTable(Table):
    """`[services.<name>.canary]`: the first step of a rollout with `rollout = "canary"`."""

    percent: Annotated[float, Field(ge=0.1, le=100)] = Field(
        default=10.0, description="Percentage of requests that the new release gets first"
    )
    bake_minutes: Minutes = Field(default=5, description="Minutes before it gets all requests")


class LinearTable(Table):
    """`[services.<name>.linear]`: the steps of a rollout with `rollout = "linear"`."""

    percent: Annotated[float, Field(ge=3, le=100)] = Field(
        default=20.0, description="Percentage of requests that each step shifts"
    )
    bake_minutes: Minutes = Field(default=5, description="Minutes between two steps")

    @property
    def waits(self) -> int:
        """The number of waits: one after each step, except after the step that reaches 100 percent."""
        steps = 100 / self.percent
        whole = round(steps)
        return whole - 1 if math.isclose(steps, whole) else math.floor(steps)
