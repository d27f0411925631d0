"""Lists all layers. The order of the list has no meaning.

The `kinds` of a layer are the kinds of environments in which the layer is deployed.
"""

from __future__ import annotations

from cicd_templates.config.tables.environment import EnvironmentKind
from cicd_templates.layer.definition import Layer
from templates import (
    access,
    build,
    cluster,
    database_users,
    databases,
    delivery,
    health,
    hooks,
    ingress,
    job_runner,
    keys,
    migration,
    migration_runner,
    monitoring,
    network,
    notifications,
    pipeline,
    previews,
    queues,
    registry,
    review,
    rotation,
    scan_gate,
    scanning,
    schedule,
    secrets,
    service,
    signer,
    storage,
    tables,
)

ONLY_TOOLS: frozenset[EnvironmentKind] = frozenset({"tools"})
ONLY_RUNTIME: frozenset[EnvironmentKind] = frozenset({"runtime"})

LAYERS = (
    Layer("keys", keys.build),
    Layer("storage", storage.build),
    Layer("notifications", notifications.build),
    Layer("scanning", scanning.build, kinds=ONLY_TOOLS, where=scanning.exists),
    Layer("registry", build_per_service=registry.build, kinds=ONLY_TOOLS),
    Layer("build", build_per_service=build.build, kinds=ONLY_TOOLS),
    Layer("scan_gate", build_per_service=scan_gate.build, kinds=ONLY_TOOLS),
    Layer("signer", build_per_service=signer.build, kinds=ONLY_TOOLS),
    Layer("review", build_per_service=review.build, kinds=ONLY_TOOLS),
    Layer(
        "migration_runner",
        build_per_service=migration_runner.build,
        kinds=ONLY_TOOLS,
        needed=migration.needed,
    ),
    Layer(
        "job_runner",
        build_per_service=job_runner.build,
        kinds=ONLY_TOOLS,
        where=job_runner.exists,
        needed=schedule.needed,
    ),
    Layer("database_users", database_users.build, kinds=ONLY_TOOLS, where=database_users.exists),
    Layer("pipeline", build_per_service=pipeline.build, kinds=ONLY_TOOLS, after=("build",)),
    Layer("access", build_per_service=access.build, kinds=ONLY_TOOLS),
    Layer("monitoring", build_per_service=monitoring.build, kinds=ONLY_TOOLS),
    Layer("previews", previews.build, where=previews.exists),
    Layer("queues", queues.build, kinds=ONLY_RUNTIME, where=queues.exists, offers=queues.offers),
    Layer("tables", tables.build, kinds=ONLY_RUNTIME, where=tables.exists, offers=tables.offers),
    Layer("databases", databases.build, kinds=ONLY_RUNTIME, where=databases.exists, offers=databases.offers),
    Layer("network", network.build, kinds=ONLY_RUNTIME),
    Layer("cluster", cluster.build, kinds=ONLY_RUNTIME),
    Layer("ingress", build_with_uses=ingress.build, kinds=ONLY_RUNTIME),
    Layer("secrets", build_per_service=secrets.build, kinds=ONLY_RUNTIME, needed=secrets.needed),
    Layer("health", build_with_uses=health.build, kinds=ONLY_RUNTIME),
    Layer("hooks", build_per_service=hooks.build, kinds=ONLY_RUNTIME, needed=hooks.needed),
    Layer("rotation", build_per_service=rotation.build, kinds=ONLY_RUNTIME, needed=rotation.needed),
    Layer("schedule", build_per_service=schedule.build, kinds=ONLY_RUNTIME, needed=schedule.needed),
    Layer("delivery", build_per_service=delivery.build, kinds=ONLY_RUNTIME, where=delivery.exists),
    Layer(
        "migration",
        build_with_uses=migration.build,
        kinds=ONLY_RUNTIME,
        needed=migration.needed,
        where=delivery.exists,
        after=("delivery",),
        deployed_as=delivery.CLOUDFORMATION_ROLE,
    ),
    Layer(
        "service",
        build_with_uses=service.build,
        kinds=ONLY_RUNTIME,
        after=("delivery",),
        deployed_as=delivery.CLOUDFORMATION_ROLE,
    ),
)
