"""Finds problems with rollouts: settings that CloudFormation refuses, or that could keep a deployment from finishing.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment-types.html
"""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.tables.service import BOOTSTRAP_IMAGE, ServiceTable

# Metrics arrive a minute or two late, and alarms need up to three bad minutes, so a shorter bake would detect nothing.
SHORTEST_BAKE_MINUTES = 5
# CloudFormation refuses a canary or linear deployment if the sum of its bake times is higher, because CloudFormation
# waits at most 36 hours for a service: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-service-canaryconfiguration.html
LONGEST_BAKE_MINUTES = 33 * 60


def problems(settings: ServiceTable) -> Iterator[tuple[str, str]]:
    """Yield `(key, message)` for each setting that CloudFormation would refuse, or that could block a deployment."""
    if settings.total_bake_minutes > LONGEST_BAKE_MINUTES:
        yield (
            "bake_minutes",
            f"the bake times add up to {settings.total_bake_minutes} minutes, but CloudFormation allows at most"
            f" {LONGEST_BAKE_MINUTES} (33 hours)",
        )
    if settings.is_progressive:
        yield from _progressive(settings)
    else:
        yield from _rolling(settings)
    if settings.backend_tls and settings.image == BOOTSTRAP_IMAGE:
        yield (
            "image",
            "the default image serves only plain HTTP, so with backend_tls the service would never become healthy; set"
            " an image of your own that serves TLS",
        )


def _progressive(settings: ServiceTable) -> Iterator[tuple[str, str]]:
    if settings.circuit_breaker:
        yield (
            "circuit_breaker",
            f'ECS has no circuit breaker for {settings.rollout}; remove the key, or use rollout = "rolling"',
        )
    if not settings.has_rollback_alarms:
        # Hooks do not help: a release whose tasks do not start never reaches the stage in which hooks run.
        yield (
            "rollout",
            f"a {settings.rollout} deployment whose tasks do not start would last until CloudFormation's limit of"
            " 36 hours; set rollback_on_alarm = true",
        )
    waits = {"bake_minutes": settings.bake_minutes}
    if settings.rollout in ("canary", "linear"):
        waits[f"{settings.rollout}.bake_minutes"] = getattr(settings, settings.rollout).bake_minutes
    for key, minutes in waits.items():
        if minutes < SHORTEST_BAKE_MINUTES:
            yield (
                key,
                f"{minutes} is too short, because alarms may need three minutes to fire; use {SHORTEST_BAKE_MINUTES} "
                f"or more",
            )


def _rolling(settings: ServiceTable) -> Iterator[tuple[str, str]]:
    if settings.hooks:
        yield "hooks", 'ECS runs hooks only while requests shift; use rollout = "blue-green", "canary" or "linear"'
    if not settings.has_circuit_breaker and not settings.has_rollback_alarms:
        yield (
            "circuit_breaker",
            "without the circuit breaker, ECS tries to start a failing release for three hours; remove the key, or set"
            " rollback_on_alarm = true",
        )
