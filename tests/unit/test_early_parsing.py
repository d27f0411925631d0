"""Modules that are parsed while tests run: the report about coverage takes the results, and they are the same."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, cast

import pytest
from coverage import Coverage
from coverage.parser import PythonParser
from coverage.python import PythonFileReporter

from tests import early_parsing
from tests.measurement import ROOT, measured_files

PATH = early_parsing.__file__


class Config:
    """Keeps what shall happen at the end."""

    def __init__(self) -> None:
        self.cleanups: list[Callable[[], object]] = []

    def add_cleanup(self, cleanup: Callable[[], object]) -> None:
        self.cleanups.append(cleanup)


class Here(Executor):
    """Parses in this process, or ends like a process that was killed."""

    killed = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Need neither processes nor a context."""

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        result: Future[Any] = Future()
        if self.killed:
            result.set_exception(OSError("killed"))
        else:
            result.set_result(pickle.loads(pickle.dumps(call(*arguments))))  # noqa: S301 - it was dumped here
        return result


def reporter() -> PythonFileReporter:
    return PythonFileReporter(PATH, Coverage(data_file=None, config_file=early_parsing.CONFIGURATION))


def facts(parser: PythonParser) -> tuple[object, ...]:
    return parser.statements, parser.excluded, parser.multiline_map, parser.arcs(), parser.exit_counts()


@pytest.mark.parametrize("killed", [False, True])
def test_a_report_takes_what_was_parsed_early_and_parses_itself_otherwise(
    killed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = facts(reporter().parser)
    assert all(expected[:1])
    monkeypatch.setattr(early_parsing, "ProcessPoolExecutor", Here)
    monkeypatch.setattr(early_parsing, "measured_files", lambda: [PATH])
    monkeypatch.setattr(Here, "killed", killed)
    config = Config()
    early_parsing.parse_early(cast(pytest.Config, config))
    first, second = reporter(), reporter()

    assert facts(first.parser) == expected
    assert (first.parser is second.parser) is not killed
    for cleanup in reversed(config.cleanups):
        cleanup()
    assert reporter().parser is not first.parser


def test_every_module_is_parsed_early_that_the_configuration_of_coverage_names() -> None:
    files = [Path(path) for path in measured_files()]

    assert {path.suffix for path in files} == {".py"}
    names = {path.relative_to(ROOT).parts[0] for path in files}
    sources = Coverage(config_file=early_parsing.CONFIGURATION).get_option("run:source")
    assert names == {"generate.py", *cast(list[str], sources)} - {"generate"}
