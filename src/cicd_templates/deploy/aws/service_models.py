"""Loads each of botocore's large service models only once per process. All sessions share the loaded models."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def service_models() -> Any:
    """Return the botocore loader for all sessions. It reads each service model once.

    Register the loader in a session under the name `data_loader`.
    """
    from botocore.loaders import create_loader

    return create_loader()
