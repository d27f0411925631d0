"""The service models of botocore, which all sessions of a process share, because they are megabytes of JSON."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def service_models() -> Any:
    """Return the loader of the models, to be registered as a session's `data_loader`. It reads each file only once."""
    from botocore.loaders import create_loader

    return create_loader()
