"""Fixtures for all tests: configurations made from tests/projects/shipping, and stacks rendered from these."""

from __future__ import annotations

import contextlib
import copy
import gc
import importlib
import marshal
import os
import socket
import subprocess
import time
import tomllib
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.config.load import parse_configuration
from cicd_templates.layer.definition import Layer
from cicd_templates.render import out_folder
from cicd_templates.render import render as rendering
from cicd_templates.render.render import RenderedStack, render
from cicd_templates.render.review_pages import pages
from cicd_templates.render.template_text import Format
from cicd_templates.template import cloudformation_yaml
from templates import LAYERS
from tests.distribution import Groups, run_and_report, sort_as_collected_forwards, turn_around
from tests.early_parsing import parse_early
from tests.measurement import MeasuredParts, forget_results, is_measured, measure_only_parts
from tests.memory import GarbageCollection, end_at_once, share_service_models
from tests.projects.rendering import rendered_project

ROOT = Path(__file__).parent.parent
# The project of tests/projects/shipping: a folder with `templates/` and what is rendered from it in `out/`.
PROJECT = rendered_project()
RAW = tomllib.loads((PROJECT / "templates/environments.toml").read_text())

# No deadline, because a loaded machine is no failure, and no example database to leave behind. Every change tries few
# examples; `make test-properties` runs the same tests with the profile `thorough`.
settings.register_profile(
    "project", max_examples=25, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("project"), max_examples=200)
settings.load_profile("project")

# What the caller gave to make, or exports for the program, is not for the commands that tests run.
for _name in [name for name in os.environ if name.startswith("CICD_TEMPLATES_") or name == "MAKEFLAGS"]:
    del os.environ[_name]

Edit = Callable[[dict[str, Any]], None]
# How much each worker remembers: more than one file of tests has. A rendered configuration takes about 7 MB.
REMEMBERED_CONFIGURATIONS = 6
REMEMBERED_PAGES = 3
REMEMBERED_TEMPLATES = 256
REMEMBERED_RESOURCES = 4096
_stacks: dict[str, list[RenderedStack]] = {}
_pages: dict[tuple[tuple[int, ...], bool], tuple[list[RenderedStack], dict[str, str], list[str]]] = {}
_garbage = GarbageCollection()
# Modules and collected tests live until the end, so searching them for garbage is wasted time.
gc.disable()
share_service_models()


def _read_and_write_yaml_once() -> None:
    """Let a worker parse equal templates and write equal resources only once. Its tests often repeat them."""
    parse, write = cloudformation_yaml.load, cloudformation_yaml.dump
    texts: dict[tuple[bytes, int, bool], str] = {}

    @lru_cache(REMEMBERED_TEMPLATES)
    def packed(text: str, measured: bool) -> bytes:
        return marshal.dumps(parse(text))

    def load(text: str) -> Any:
        """Return content that the caller may change."""
        return marshal.loads(packed(text, is_measured()))  # noqa: S302 - it was packed above

    def dump(value: Any, *, column: int = 0) -> str:
        try:
            # Version 2 knows no references, so that equal values are equal bytes.
            key = marshal.dumps(value, 2), column, is_measured()
        except ValueError:
            return write(value, column=column)
        if key not in texts:
            if len(texts) == REMEMBERED_RESOURCES:
                texts.clear()
            texts[key] = write(value, column=column)
        return texts[key]

    patch = pytest.MonkeyPatch()
    patch.setattr(cloudformation_yaml, "load", load)
    patch.setattr(cloudformation_yaml, "dump", dump)


_read_and_write_yaml_once()


def raw_configuration(*edits: tuple[str, Any]) -> dict[str, Any]:
    """Return the configuration of tests/projects/shipping with edits.

    Each edit is a value by its dotted path; `...` removes the key.
    """
    raw = copy.deepcopy(RAW)
    for path, value in edits:
        *parents, last = path.split("/")
        table = raw
        for parent in parents:
            table = table.setdefault(parent, {})
        if value is ...:
            del table[last]
        else:
            table[last] = value
    return raw


def configured(*edits: tuple[str, Any], suffix: str | None = None) -> Configuration:
    return parse_configuration(raw_configuration(*edits), source="environments.toml", suffix=suffix)


def environment(name: str = "staging", *edits: tuple[str, Any], suffix: str | None = None) -> Environment:
    found = configured(*edits, suffix=suffix).environment(name)
    assert found is not None
    return found


def rendered_stacks(*edits: tuple[str, Any], suffix: str | None = None) -> list[RenderedStack]:
    """Return the stacks of tests/projects/shipping with `edits`, rendered once for all tests of a worker.

    The tests must not change the stacks.
    """
    return _rendered_once((edits, suffix), lambda: render(configured(*edits, suffix=suffix), LAYERS, "yaml"))


def _rendered_once(what: object, stacks: Callable[[], list[RenderedStack]]) -> list[RenderedStack]:
    """Return what was rendered from `what` before, or render it now and forget what was not used for longest."""
    key = repr((what, is_measured()))
    _stacks[key] = _stacks.pop(key, []) or stacks()
    if len(_stacks) > REMEMBERED_CONFIGURATIONS:
        del _stacks[next(iter(_stacks))]
    return list(_stacks[key])


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if isinstance(collector, pytest.Dir):
        turn_around(report, collector.config)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort before pytest puts tests with equal parameters of fixtures together."""
    sort_as_collected_forwards(items)


def pytest_collection_finish() -> None:
    """Collect garbage from now on, but only that of tests."""
    forget_results()
    _garbage.begin()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test in a worker with few messages to the controller."""
    if not hasattr(item.config, "workerinput"):
        return None
    run_and_report(item, nextitem)
    _garbage.collect_after_growth()
    return True


def pytest_runtest_logfinish() -> None:
    _garbage.collect_after_growth()


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    if measure_only_parts():
        session.config.pluginmanager.register(MeasuredParts())
    if hasattr(session.config, "workerinput"):
        end_at_once()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Keep groups together: pytest-xdist 3.8 ignores the mark with pytest 9.2, which keeps a test's id elsewhere."""
    _garbage.begin()
    if config.pluginmanager.hasplugin("_cov") and config.getoption("cov_source"):
        parse_early(config)
    return Groups(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.fixture(scope="session", autouse=True)
def unflushed() -> Iterator[None]:
    """Replace `fsync` so that no test waits for the disk. No test reads its files after a power failure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture
def commands_render_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands render an equal configuration, and its review pages, once for all tests of a worker."""

    def remembered(configuration: Configuration, layers: Sequence[Layer], form: Format) -> list[RenderedStack]:
        return _rendered_once((configuration, layers, form), lambda: render(configuration, layers, form))

    def remembered_pages(stacks: Sequence[RenderedStack], parts: list[str] | None = None) -> dict[str, str]:
        key = tuple(map(id, stacks)), is_measured()
        if key not in _pages:
            made: list[str] = []
            # The stacks are kept with their pages, so that no other stack gets the identity of one of them.
            _pages[key] = [*stacks], pages(stacks, made), made
        _, texts, lines = _pages[key]
        if parts is not None:
            parts += lines
        if len(_pages) > REMEMBERED_PAGES:
            del _pages[next(iter(_pages))]
        return dict(texts)

    monkeypatch.setattr(rendering, "render", remembered)
    monkeypatch.setattr(out_folder, "pages", remembered_pages)


@pytest.fixture
def in_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder that contains the project's `templates/`. The real folder is not changed."""
    (tmp_path / "templates").symlink_to(PROJECT / "templates")
    (tmp_path / "docs").mkdir()
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    (tmp_path / ".cfnlintrc").symlink_to(ROOT / ".cfnlintrc")
    (tmp_path / "src").symlink_to(ROOT / "src")
    (tmp_path / ".venv-local").symlink_to(ROOT / ".venv-local")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def own_package(folder: Path, monkeypatch: pytest.MonkeyPatch, **extra: str) -> ModuleType:
    """Return a package with the layers of this tool, and with modules of a user in its folder `extra/`."""
    name = f"own_{folder.name}".replace("-", "_")
    (folder / name / "extra").mkdir(parents=True)
    (folder / name / "__init__.py").write_text("from templates import LAYERS as LAYERS\n")
    for module, code in extra.items():
        (folder / name / f"extra/{module}.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    return importlib.import_module(name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until_open(port: int) -> None:
    """Wait until something listens on `port`."""
    deadline = time.monotonic() + 20
    answered = False
    while not answered and time.monotonic() < deadline:
        with socket.socket() as probe:
            answered = probe.connect_ex(("127.0.0.1", port)) == 0
    assert answered, f"nothing listens on {port}"


@contextlib.contextmanager
def listening(port: int, *command: str, **environment: str) -> Iterator[str]:
    """Yield a process once it serves on `port`, and end it after the block."""
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        until_open(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
