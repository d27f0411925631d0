"""The tables `[services.<name>.health_check]` and `[services.<name>.alarms]`: when a service is healthy."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cicd_templates.config.tables.fields import Percent, UrlPath
from cicd_templates.config.tables.table import Table


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
