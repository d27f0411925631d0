"""The table `[services.<name>.autoscaling]`: limits, targets and schedules for the number of a service's tasks."""

from typing import Annotated

from pydantic import Field

from cicd_templates.config.tables.cron_field_types import Schedule
from cicd_templates.config.tables.field_types import Percent, Word
from cicd_templates.config.tables.table import Table


class ScheduleTable(Table):
    """`[services.<name>.autoscaling.schedules.<schedule>]`: new limits of the task count, set at a scheduled time."""

    cron: Schedule = Field(
        description="Minute, hour, day of month, month, day of week and year, such as `0 7 ? * MON-FRI *`"
    )
    minimum: Annotated[int, Field(ge=0, le=1000)] = Field(
        description="Minimum number of tasks from the scheduled time on"
    )
    maximum: Annotated[int, Field(ge=1, le=1000)] = Field(
        description="Maximum number of tasks from the scheduled time on"
    )


class AutoscalingTable(Table):
    """`[services.<name>.autoscaling]`: limits and targets for the number of a service's tasks."""

    minimum: Annotated[int, Field(ge=1, le=1000)] = Field(default=2, description="Minimum number of tasks")
    maximum: Annotated[int, Field(ge=1, le=1000)] = Field(description="Maximum number of tasks")
    cpu_percent: Percent | None = Field(
        default=None, description="Average CPU utilization that autoscaling tries to keep, in percent"
    )
    memory_percent: Percent | None = Field(
        default=None, description="Average memory utilization that autoscaling tries to keep, in percent"
    )
    requests_per_target: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Number of requests per minute and task that autoscaling tries to keep. Without requests, the"
        " number of tasks stays the same",
    )
    messages_per_task: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Autoscaling tries to keep this number of waiting messages per task in each queue from which a"
        " worker receives. A worker without `cpu_percent`, `memory_percent` and `messages_per_task` gets"
        " `messages_per_task = 100` if it receives from a queue, and `cpu_percent = 60` if it does not",
    )
    schedules: dict[Word, ScheduleTable] = Field(default={}, description="Schedules with other limits, by name")
