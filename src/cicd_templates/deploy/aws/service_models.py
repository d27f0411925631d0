"""Loads each of botocore's large service models only once per process. All sessions share the loaded models."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def service_models() -> Any:
    """Return a loader that reads each service model only once. Register it as a session's `data_loader`."""
    from botocore.loaders import create_loader

    return create_loader()
