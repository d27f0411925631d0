"""The service models of botocore. They are megabytes of JSON, so all sessions of a process share them."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def service_models() -> Any:
    """Return the loader of the models, which reads each file only once. Register it as a session's `data_loader`."""
    from botocore.loaders import create_loader

    return create_loader()
