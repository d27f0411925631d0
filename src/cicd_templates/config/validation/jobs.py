"""Finds problems with jobs: settings that a job cannot have, and runs that would overlap."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.tables.job import JobTable
from cicd_templates.config.tables.job_schedules import interval_of
from cicd_templates.config.tables.service import ServiceTable
from cicd_templates.config.validation.shapes import WEB_KEYS
from cicd_templates.plurals import counted

# Settings that only make sense for tasks that always run: their number, and their replacement in a deployment.
SERVICE_KEYS = ("desired_count", "autoscaling", "circuit_breaker", "rollback_on_alarm", "alarms")
EXAMPLE = 'schedule = "cron(0 3 * * ? *)" and command = ["python3", "-m", "reports.nightly"]'


def problems(settings: ServiceTable) -> Iterator[tuple[str, str]]:
    """Yield `(key, message)` for each setting that a job cannot have, and for each missing setting."""
    for key in WEB_KEYS:
        if key in settings.model_fields_set:
            yield key, 'a job gets no requests, so only a web service has this key; remove it, or set shape = "web"'
    for key in SERVICE_KEYS:
        if key in settings.model_fields_set:
            yield (
                key,
                "the tasks of a job end by themselves, and no ECS service runs or replaces them; remove this key, or"
                ' set shape = "worker"',
            )
    if settings.containers:
        yield (
            "containers",
            "a job has only one container, because the exit code of its command decides whether the run succeeded;"
            ' remove this table, or set shape = "worker"',
        )
    if settings.job is None:
        yield "job", f"a job needs this table; add it with {EXAMPLE}"
    else:
        yield from _overlapping_runs(settings.job)


def _overlapping_runs(job: JobTable) -> Iterator[tuple[str, str]]:
    """Yield a problem if a run can last until the next run begins."""
    shortest = interval_of(job.schedule).shortest
    apart = counted(shortest, "minute")
    longest_run = shortest - job.window_minutes - 1
    if longest_run < 1:
        yield (
            "job.schedule",
            f"two runs could overlap: with {job.schedule}, the shortest time between the starts of two runs is {apart};"
            ' use a longer interval or a shorter window_minutes. For work that never ends, use shape = "worker"',
        )
    elif job.max_minutes > longest_run:
        yield (
            "job.max_minutes",
            f"two runs could overlap: a run may take {counted(job.max_minutes, 'minute')}, but with {job.schedule}, the"
            f" shortest time between the starts of two runs is {apart}"
            + (f" and window_minutes is {job.window_minutes}" if job.window_minutes else "")
            + f"; use at most {longest_run}",
        )
