"""The layers: which exist, for which kind of environment, once or per service. Their order is derived, not listed."""

from __future__ import annotations

from cicd_templates.config.tables.environment import EnvironmentKind
from cicd_templates.layer.definition import Layer
from templates import (
    access,
    build,
    cluster,
    delivery,
    health,
    hooks,
    ingress,
    keys,
    monitoring,
    network,
    notifications,
    pipeline,
    registry,
    review,
    scan_gate,
    scanning,
    secrets,
    service,
    storage,
)

TOOLS: frozenset[EnvironmentKind] = frozenset({"tools"})
RUNTIME: frozenset[EnvironmentKind] = frozenset({"runtime"})

LAYERS = (
    Layer("keys", keys.build),
    Layer("storage", storage.build),
    Layer("notifications", notifications.build),
    Layer("scanning", scanning.build, kinds=TOOLS, where=scanning.exists),
    Layer("registry", build_per_service=registry.build, kinds=TOOLS),
    Layer("build", build_per_service=build.build, kinds=TOOLS),
    Layer("scan_gate", build_per_service=scan_gate.build, kinds=TOOLS),
    Layer("review", build_per_service=review.build, kinds=TOOLS, where=review.exists),
    Layer("pipeline", build_per_service=pipeline.build, kinds=TOOLS, after=("build",)),
    Layer("access", build_per_service=access.build, kinds=TOOLS),
    Layer("monitoring", build_per_service=monitoring.build, kinds=TOOLS),
    Layer("network", network.build, kinds=RUNTIME),
    Layer("cluster", cluster.build, kinds=RUNTIME),
    Layer("ingress", build_per_service=ingress.build, kinds=RUNTIME),
    Layer("secrets", build_per_service=secrets.build, kinds=RUNTIME, needed=secrets.needed),
    Layer("health", build_per_service=health.build, kinds=RUNTIME),
    Layer("hooks", build_per_service=hooks.build, kinds=RUNTIME, needed=hooks.needed),
    Layer("delivery", build_per_service=delivery.build, kinds=RUNTIME, where=delivery.exists),
    Layer(
        "service",
        build_per_service=service.build,
        kinds=RUNTIME,
        after=("delivery",),
        deployed_as=delivery.EXECUTION_ROLE,
    ),
)
