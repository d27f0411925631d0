"""Finds problems in autoscaling tables: a minimum above its maximum, and a table with no target and no schedule."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.tables.autoscaling import AutoscalingTable


def problems(scaling: AutoscalingTable, *, needs_target: bool = True) -> Iterator[tuple[str, str]]:
    """Yield `(key, message)` for each minimum above its maximum, and for a table with no target and no schedule.

    If `needs_target` is false, a table with no target and no schedule is not a problem, because the service has a
    default target.
    """
    limits = {"autoscaling": (scaling.minimum, scaling.maximum)}
    limits |= {f"autoscaling.schedules.{name}": (at.minimum, at.maximum) for name, at in scaling.schedules.items()}
    for where, (minimum, maximum) in limits.items():
        if minimum > maximum:
            yield f"{where}.minimum", f"{minimum} is above the maximum of {maximum}"
    if needs_target and not (
        scaling.cpu_percent or scaling.memory_percent or scaling.requests_per_target or scaling.schedules
    ):
        yield "autoscaling", "has no target; add cpu_percent, memory_percent, requests_per_target or schedules"
