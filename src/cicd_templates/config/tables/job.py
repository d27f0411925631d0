"""The table `[services.<name>.job]`: when a job runs, what it runs, and for how long."""

from typing import Annotated

from pydantic import Field

from cicd_templates.config.tables.environment import TimeZone
from cicd_templates.config.tables.field_types import Minutes, ShellCommand
from cicd_templates.config.tables.job_schedules import JobSchedule
from cicd_templates.config.tables.table import Table


class JobTable(Table):
    """`[services.<name>.job]`: when a job runs, what it runs, and for how long."""

    schedule: JobSchedule = Field(
        description="When the job runs: `cron(minute hour day-of-month month day-of-week year)` or `rate(15 minutes)`"
    )
    time_zone: TimeZone | None = Field(
        default=None, description="Time zone of `schedule`; default: the environment's `time_zone`"
    )
    command: Annotated[tuple[ShellCommand, ...], Field(min_length=1, strict=False)] = Field(
        description="Program and arguments of a run; the run succeeds if the program exits with 0"
    )
    enabled: bool = Field(
        default=True,
        description="Whether the schedule starts the job; if it does not, a release still tests the job before"
        " production",
    )
    max_minutes: Annotated[int, Field(ge=1, le=1440)] = Field(
        default=30,
        description="Minutes after which a run is too long: `operations` are notified, but the run is not stopped",
    )
    retries: Annotated[int, Field(ge=0, le=185)] = Field(
        default=3, description="Maximum number of retries, all within an hour, if ECS refuses to start a run"
    )
    window_minutes: Minutes = Field(
        default=0,
        description="A run may begin up to this many minutes after its scheduled time; 0: it begins at that time",
    )
