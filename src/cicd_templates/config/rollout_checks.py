"""How a release replaces the one before: which combinations of settings can end, and how long they take.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment-types.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from cicd_templates.config.tables import ServiceTable
from cicd_templates.config.types import BOOTSTRAP_IMAGE

# Metrics come a minute or two late, and the alarms look at three minutes: a shorter bake would decide nothing.
SHORTEST_BAKE_MINUTES = 5
# CloudFormation refuses a canary or linear deployment whose bake times add up to more, because its own limit for a
# service is 36 hours: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-service-canaryconfiguration.html
LONGEST_BAKE_MINUTES = 33 * 60


def progressive(settings: ServiceTable) -> bool:
    """Whether two releases stand side by side and requests move between them."""
    return settings.rollout != "rolling"


def breaks_the_circuit(settings: ServiceTable) -> bool:
    """Whether ECS gives up on tasks that do not start: by default wherever it can."""
    if settings.circuit_breaker is None:
        return not progressive(settings)
    return settings.circuit_breaker


def bake_minutes(settings: ServiceTable) -> int:
    """How long a deployment waits by its settings, as CloudFormation adds it up; the work itself comes on top."""
    match settings.rollout:
        case "canary":
            return settings.bake_minutes + settings.canary.bake_minutes
        case "linear":
            return settings.bake_minutes + settings.linear.bake_minutes * linear_waits(settings.linear.percent)
        case "blue-green":
            return settings.bake_minutes
        case _:
            return settings.bake_minutes if settings.rollback_on_alarm else 0


def linear_waits(percent: float) -> int:
    """How often a linear shift waits: after each step but the one that reaches the whole."""
    steps = 100 / percent
    whole = round(steps)
    return whole - 1 if math.isclose(steps, whole) else math.floor(steps)


def problems(settings: ServiceTable) -> Iterator[tuple[str, str]]:
    """Each setting that would make a deployment hang or never end, by its key, with what would be right."""
    if bake_minutes(settings) > LONGEST_BAKE_MINUTES:
        yield (
            "bake_minutes",
            f"the bake times add up to {bake_minutes(settings)} minutes, and CloudFormation refuses more than"
            f" {LONGEST_BAKE_MINUTES} (33 hours)",
        )
    if progressive(settings):
        yield from _progressive(settings)
    else:
        yield from _rolling(settings)
    if settings.backend_tls and settings.image == BOOTSTRAP_IMAGE:
        yield (
            "image",
            "missing; the bootstrap image speaks plain HTTP, so with backend_tls the service would never be well;"
            " name an image of your own that serves TLS",
        )
    yield from _autoscaling(settings)


def _progressive(settings: ServiceTable) -> Iterator[tuple[str, str]]:
    if settings.circuit_breaker:
        yield (
            "circuit_breaker",
            f'ECS has none for {settings.rollout}; remove it, or use rollout = "rolling"',
        )
    if not settings.rollback_on_alarm:
        # A hook is asked at its stage only, which a release whose tasks do not start never reaches.
        yield (
            "rollout",
            f"nothing would end a {settings.rollout} deployment whose tasks do not start but CloudFormation's limit of"
            " 36 hours; set rollback_on_alarm = true",
        )
    waits = {"bake_minutes": settings.bake_minutes}
    if settings.rollout in ("canary", "linear"):
        waits[f"{settings.rollout}.bake_minutes"] = getattr(settings, settings.rollout).bake_minutes
    for key, minutes in waits.items():
        if minutes < SHORTEST_BAKE_MINUTES:
            yield (
                key,
                f"{minutes} is too short for the alarms, which look at three minutes; use {SHORTEST_BAKE_MINUTES} or"
                " more",
            )


def _rolling(settings: ServiceTable) -> Iterator[tuple[str, str]]:
    if settings.hooks:
        yield "hooks", 'ECS runs them when requests move only; use rollout = "blue-green", "canary" or "linear"'
    if not breaks_the_circuit(settings) and not settings.rollback_on_alarm:
        yield (
            "circuit_breaker",
            "without it a release that cannot start is tried for three hours; leave it on, or set"
            " rollback_on_alarm = true",
        )


def _autoscaling(settings: ServiceTable) -> Iterator[tuple[str, str]]:
    scaling = settings.autoscaling
    if scaling is None:
        return
    limits = {"autoscaling": (scaling.minimum, scaling.maximum)}
    limits |= {f"autoscaling.schedules.{name}": (at.minimum, at.maximum) for name, at in scaling.schedules.items()}
    for where, (minimum, maximum) in limits.items():
        if minimum > maximum:
            yield f"{where}.minimum", f"{minimum} is above the maximum, {maximum}"
    if not (scaling.cpu_percent or scaling.memory_percent or scaling.requests_per_target or scaling.schedules):
        yield "autoscaling", "nothing moves it; add cpu_percent, memory_percent, requests_per_target or schedules"
