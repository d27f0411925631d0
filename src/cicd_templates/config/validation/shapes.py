"""Finds settings that do not fit the shape of a web service or a worker.

The module `jobs` finds settings that do not fit a job.
"""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.tables.service import ServiceTable

# Settings that only make sense for a service with requests: its port, its routes, its smoke tests and its rollouts.
WEB_KEYS = (
    "port", "path_pattern", "priority", "backend_tls", "health_check", "rollout", "bake_minutes", "canary", "linear",
    "hooks", "probes", "smoke", "integration",
)  # fmt: skip
WEB_ALARMS = ("error_percent", "latency_seconds")


def problems(settings: ServiceTable) -> Iterator[tuple[str, str]]:
    """Yield `(key, message)` for each setting that does not fit the shape of a web service or of a worker."""
    if settings.job is not None:
        yield "job", 'only a job runs on a schedule; remove the table, or set shape = "job"'
    if settings.is_web:
        if settings.autoscaling is not None and settings.autoscaling.messages_per_task is not None:
            yield (
                "autoscaling.messages_per_task",
                'only a worker scales on a queue; remove the key, or set shape = "worker"',
            )
        return
    configured = [key for key in WEB_KEYS if key in settings.model_fields_set]
    configured += [f"alarms.{key}" for key in WEB_ALARMS if key in settings.alarms.model_fields_set]
    if settings.autoscaling is not None and settings.autoscaling.requests_per_target is not None:
        configured.append("autoscaling.requests_per_target")
    for key in configured:
        yield key, 'a worker gets no requests, so only a web service has this key; remove it, or set shape = "web"'
    if not settings.has_rollback_alarms:
        yield (
            "rollback_on_alarm",
            "a worker has no smoke test, so only its alarms can stop a defective release; do not set rollback_on_alarm"
            " to false",
        )
    if settings.autoscaling is not None:
        for name, at in settings.autoscaling.schedules.items():
            if at.minimum == 0:
                yield (
                    f"autoscaling.schedules.{name}.minimum",
                    "with 0 tasks, ECS cannot measure CPU use or messages per task, so the worker would never start"
                    " again; use 1 or more",
                )
