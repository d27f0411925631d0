"""The tables `[services.<name>.health_check]` and `[services.<name>.alarms]`: when a service is healthy."""

from typing import Annotated

from pydantic import Field

from cicd_templates.config.tables.field_types import Percent, UrlPath
from cicd_templates.config.tables.table import Table


class HealthCheckTable(Table):
    """`[services.<name>.health_check]`: how the load balancer checks the health of a task."""

    path: UrlPath = Field(default="/health", description="Path that returns 200 if the task can serve requests")
    grace_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=120, description="Seconds for which failed checks of a new task are ignored"
    )
    interval_seconds: Annotated[int, Field(ge=6, le=300)] = Field(default=15, description="Seconds between two checks")
    healthy_threshold: Annotated[int, Field(ge=2, le=10)] = Field(
        default=2, description="Number of consecutive successful checks after which a task is healthy"
    )
    unhealthy_threshold: Annotated[int, Field(ge=2, le=10)] = Field(
        default=5, description="Number of consecutive failed checks after which a task is unhealthy"
    )


class AlarmsTable(Table):
    """`[services.<name>.alarms]`: the thresholds of the service's alarms."""

    error_percent: Annotated[float, Field(gt=0, le=100)] = Field(
        default=5.0, description="Alarm if more than this percentage of requests fail (5xx or no connection)"
    )
    latency_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        default=2.0, description="Alarm if more than 1 % of requests take longer than this number of seconds"
    )
    cpu_percent: Percent = Field(default=85, description="Alarm if more than this percentage of the CPU is used")
    memory_percent: Percent = Field(default=85, description="Alarm if more than this percentage of the memory is used")
    restarts: Annotated[int, Field(ge=1)] = Field(
        default=2, description="Alarm if more than this number of tasks stop by themselves within five minutes"
    )
