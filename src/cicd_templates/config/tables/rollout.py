"""The tables `[services.<name>.canary]` and `[services.<name>.linear]`, and field types for rollouts."""

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
    """`[services.<name>.canary]`: the first step of a canary rollout (`rollout = "canary"`)."""

    percent: Annotated[float, Field(ge=0.1, le=100)] = Field(
        default=10.0, description="Percentage of requests that the new release gets at first"
    )
    bake_minutes: Minutes = Field(default=5, description="Minutes before it gets all requests")


class LinearTable(Table):
    """`[services.<name>.linear]`: the steps of a linear rollout (`rollout = "linear"`)."""

    percent: Annotated[float, Field(ge=3, le=100)] = Field(
        default=20.0, description="Percentage of requests that each step shifts"
    )
    bake_minutes: Minutes = Field(default=5, description="Minutes between two steps")

    @property
    def waits(self) -> int:
        """How many times ECS waits in a linear rollout. ECS waits after every step, except after the last one."""
        steps = 100 / self.percent
        whole = round(steps)
        return whole - 1 if math.isclose(steps, whole) else math.floor(steps)
