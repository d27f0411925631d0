"""Keeps the memory of a process that runs tests small: shares what is large, and collects garbage when it has grown."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.loaders
import botocore.session
import pytest
from botocore.loaders import JSONFileLoader, Loader, create_loader

# How many new objects Python waits for before it searches them for garbage; its default is 700.
GARBAGE_AFTER = 50_000
# By how many bytes a process grows before it searches all objects for garbage.
GROWTH = 40_000_000
# How many schemas of resource types cfn-lint keeps. A test that reads those of every type leaves 50 MB behind.
SCHEMAS = 500
_PAGE = os.sysconf("SC_PAGE_SIZE")
_STATISTICS = Path("/proc/self/statm")


class OncePerPath(list[str]):
    """Paths that contain no path twice. Each session of boto3 appends the same path."""

    def append(self, path: str) -> None:
        if path not in self:
            super().append(path)


class PlainModels(JSONFileLoader):
    """Reads models as plain dicts without their documentation, which takes a third less memory."""

    def _load_file(self, full_path: str, open_method: Callable[..., Any]) -> Any:
        if not Path(full_path).is_file():
            return None
        with open_method(full_path, "rb") as file:
            return json.loads(file.read(), object_pairs_hook=_without_documentation)


def _without_documentation(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # A member of that name is a table. botocore changes some of the texts, so each stays, but is empty.
    return {name: "" if name == "documentation" and isinstance(value, str) else value for name, value in pairs}


def share_service_models() -> None:
    """Let all sessions of botocore use one loader.

    Otherwise each session reads its own copies of the models, of up to 20 MB, and lists the folders of all services.
    """

    @cache
    def loader(search_path: str | None = None) -> Loader:
        from cicd_templates.deploy.aws.service_models import service_models

        made = create_loader(search_path) if search_path else service_models()
        vars(made)["_search_paths"] = OncePerPath(made.search_paths)
        made.file_loader = PlainModels()
        return made

    patch = pytest.MonkeyPatch()
    patch.setattr(botocore.loaders, "create_loader", loader)
    patch.setattr(botocore.session, "create_loader", loader)


def resident() -> int:
    """Return how many bytes of memory this process uses, or 0 if the system does not tell."""
    try:
        return int(_STATISTICS.read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def _forget_many_schemas() -> None:
    """Let cfn-lint read the schemas again, if it is loaded and keeps many of them."""
    manager = getattr(sys.modules.get("cfnlint.schema"), "PROVIDER_SCHEMA_MANAGER", None)
    if manager and manager.get_resource_schema.cache_info().currsize > SCHEMAS:
        manager.reset()


def _return_memory() -> None:
    """Let the C library return free memory to the system. By itself, glibc keeps what lies between living objects."""
    with contextlib.suppress(AttributeError):  # Only glibc has this function.
        ctypes.CDLL(None).malloc_trim(0)


class GarbageCollection:
    """Collects garbage: rarely, but all of it whenever the process has grown by `GROWTH` since the last time.

    Large structures refer to themselves, such as the clients of AWS and the rules of cfn-lint, so they stay until then.
    """

    def __init__(self) -> None:
        self._resident = 0

    def begin(self) -> None:
        """Exempt everything that exists, such as modules and collected tests, because it lives until the end."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE_AFTER)
        gc.enable()
        self._resident = resident()

    def collect_after_growth(self) -> None:
        if resident() - self._resident > GROWTH:
            _forget_many_schemas()
            gc.collect()
            _return_memory()
            self._resident = resident()


def end_at_once() -> None:
    """Let this process end without destroying its objects one by one, which takes a worker more than a second.

    What is registered with `atexit` later is called before.
    """
    atexit.register(os._exit, 0)


@contextlib.contextmanager
def garbage_kept() -> Iterator[None]:
    """Collect no garbage within the `with` block, and all of it afterwards.

    cfn-lint makes many objects while its rules and schemas live on, so searching them takes a fourth of its time. A
    template leaves about 4 MB.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
