"""The layers: which exist, for which kind of environment, once or per service. Their order is derived, not listed."""

from __future__ import annotations

from cicd_templates.layers import Layer
from templates import keys, storage

LAYERS = (
    Layer("keys", keys.build),
    Layer("storage", storage.build),
)
