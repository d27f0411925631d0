"""Decides when a process that runs tests measures coverage: measuring takes two to three times as long.

Measured are the imports of the measured code, the fixtures of tests, and the calls of tests. What pytest itself does
between them, and the modules of the tests, count for nothing.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Iterator
from functools import _lru_cache_wrapper
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest
from coverage import Coverage

ROOT = Path(__file__).parent.parent
# The folders and the script that `coverage:run` in setup.cfg names.
MEASURED = (f"{ROOT}/src/", f"{ROOT}/templates/", f"{ROOT}/generate.py")

# The measurement of this process. It is known, but stopped, while nothing is measured.
_known: Coverage | None = None
# In a worker, pytest-cov begins a measurement for a controller, and leaves it running below that of the worker.
_first = Coverage.current()


def is_measured() -> bool:
    """Return whether coverage is measured now.

    If so, work that was done before without measurement must be repeated.
    """
    return Coverage.current() is not None


def measured_files() -> list[str]:
    """Return the paths of the modules whose coverage counts."""
    folders = [Path(name) for name in MEASURED if name.endswith("/")]
    scripts = [name for name in MEASURED if not name.endswith("/")]
    return [*scripts, *(str(path) for folder in folders for path in sorted(folder.rglob("*.py")))]


def measure_only_parts() -> bool:
    """Stop the measurement that pytest-cov has begun until a block `measured`. Return whether there is one."""
    global _known
    _known = Coverage.current()
    if _known is None:
        return False
    _known.stop()
    if _first not in (None, _known):
        _first.stop()
    _measure_imports()
    return True


def forget_results() -> None:
    """Clear the caches of measured functions. Modules of tests have filled them while nothing was measured."""
    if _known is None:
        return
    modules = [module for name, module in sys.modules.items() if name.startswith(("cicd_templates", "templates"))]
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, _lru_cache_wrapper):
                value.cache_clear()


@contextlib.contextmanager
def measured() -> Iterator[None]:
    """Measure coverage within the `with` block if this process measures any."""
    if _known is None or is_measured():
        yield
        return
    _known.start()
    try:
        yield
    finally:
        _known.stop()


@contextlib.contextmanager
def unmeasured() -> Iterator[None]:
    """Measure no coverage within the `with` block."""
    global _known
    before, current = _known, Coverage.current()
    _known = None
    if current is not None:
        current.stop()
    try:
        yield
    finally:
        _known = before
        # The mark `no_cover` of pytest-cov also stops and starts it. A second start would put it on itself.
        if current is not None and Coverage.current() is not current:
            current.start()


def _measure_imports() -> None:
    """Measure the import of each module whose coverage counts."""
    execute = SourceFileLoader.exec_module

    def exec_module(self: SourceFileLoader, module: ModuleType) -> None:
        with measured() if self.path.startswith(MEASURED) else contextlib.nullcontext():
            execute(self, module)

    pytest.MonkeyPatch().setattr(SourceFileLoader, "exec_module", exec_module)


class MeasuredParts:
    """A plugin that measures what a test does itself."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Measure nothing in property tests. Their random input must not decide about coverage."""
        if item.get_closest_marker("hypothesis") is None:
            return (yield)
        with unmeasured():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
        # The fixtures of pytest, and those of plugins, run no code that counts.
        if not fixturedef.func.__module__.startswith("tests."):
            return (yield)
        with measured():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        # pytest-cov would stop and start the measurement of such a test.
        if item.get_closest_marker("no_cover") is not None:
            return (yield)
        with measured():
            return (yield)
