"""The layers: which exist, for which kind of environment, once or per service. Their order is derived, not listed."""

from __future__ import annotations

from cicd_templates.config import Kind
from cicd_templates.layers import Layer
from templates import cluster, keys, network, notifications, registry, service, storage

TOOLS: frozenset[Kind] = frozenset({"tools"})
RUNTIME: frozenset[Kind] = frozenset({"runtime"})

LAYERS = (
    Layer("keys", keys.build),
    Layer("storage", storage.build),
    Layer("notifications", notifications.build),
    Layer("registry", build_per_service=registry.build, kinds=TOOLS),
    Layer("network", network.build, kinds=RUNTIME),
    Layer("cluster", cluster.build, kinds=RUNTIME),
    Layer("service", build_per_service=service.build, kinds=RUNTIME),
)
