"""The table `[services.<name>.autoscaling]`: between how many tasks a service scales, and why."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cicd_templates.config.tables.cron import Schedule
from cicd_templates.config.tables.fields import Percent, Word
from cicd_templates.config.tables.table import Table


class ScheduleTable(Table):
    """`[services.<name>.autoscaling.schedules.<schedule>]`: other limits from a time on."""

    cron: Schedule = Field(
        description="Minute, hour, day of month, month, day of week and year, such as `0 7 ? * MON-FRI *`"
    )
    minimum: Annotated[int, Field(ge=0, le=1000)] = Field(description="Fewest tasks from then on")
    maximum: Annotated[int, Field(ge=1, le=1000)] = Field(description="Most tasks from then on")


class AutoscalingTable(Table):
    """`[services.<name>.autoscaling]`: between how many tasks a service moves, and what moves it."""

    minimum: Annotated[int, Field(ge=1, le=1000)] = Field(default=2, description="Fewest tasks")
    maximum: Annotated[int, Field(ge=1, le=1000)] = Field(description="Most tasks")
    cpu_percent: Percent | None = Field(default=None, description="Average CPU use to hold, in percent")
    memory_percent: Percent | None = Field(default=None, description="Average memory use to hold, in percent")
    requests_per_target: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Requests a minute of each task to hold"
    )
    schedules: dict[Word, ScheduleTable] = Field(default={}, description="Other limits from a time on, by name")
