"""The tables of a service that say how it runs: what is well, how it grows, how a release replaces the one before."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cicd_templates.config.fields import UrlPath, Word
from cicd_templates.config.types import Minutes, Percent, Schedule, Table


class HealthCheckTable(Table):
    """`[services.<name>.health_check]`: how the load balancer asks a task whether it is well."""

    path: UrlPath = Field(default="/health", description="Path that answers 200 when the task can serve")
    grace_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=120, description="How long a new task may fail the check, in seconds"
    )
    interval_seconds: Annotated[int, Field(ge=6, le=300)] = Field(
        default=15, description="Time between two checks, in seconds"
    )
    healthy_threshold: Annotated[int, Field(ge=2, le=10)] = Field(
        default=2, description="Passed checks in a row that make a task healthy"
    )
    unhealthy_threshold: Annotated[int, Field(ge=2, le=10)] = Field(
        default=5, description="Failed checks in a row that make a task unhealthy"
    )


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


class AlarmsTable(Table):
    """`[services.<name>.alarms]`: from what on a service is not well."""

    error_percent: Annotated[float, Field(gt=0, le=100)] = Field(
        default=5.0, description="Share of answers with a 5xx status, in percent"
    )
    latency_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        default=2.0, description="Time within which 99 of 100 requests are answered, in seconds"
    )
    cpu_percent: Percent = Field(default=85, description="CPU use of the service, in percent")
    memory_percent: Percent = Field(default=85, description="Memory use of the service, in percent")
    restarts: Annotated[int, Field(ge=1)] = Field(
        default=2, description="Tasks that end by themselves within five minutes"
    )
