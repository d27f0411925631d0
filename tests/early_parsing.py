"""Parses the measured modules while tests run.

Otherwise the report about coverage parses them at the end, for several seconds in which only one core has work. A
process of the lowest priority parses. It gets the time that tests leave, such as while they wait for other programs.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache
from typing import cast

import pytest
from coverage import Coverage
from coverage.parser import PythonParser
from coverage.python import PythonFileReporter

from tests.measurement import ROOT, measured_files

CONFIGURATION = str(ROOT / "setup.cfg")


def parse_early(config: pytest.Config) -> None:
    """Begin to parse all modules, and let reports of this process take the results, or wait for them."""
    # A fork would copy the locks of the threads that talk to the workers.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(1, context, initializer=_work_in_the_background)
    parsers: dict[str, Future[PythonParser]] = {path: pool.submit(parsed, path) for path in measured_files()}
    parse: property = vars(PythonFileReporter)["parser"]

    def parser(reporter: PythonFileReporter) -> PythonParser:
        early = parsers.get(reporter.filename)
        if early is None or early.exception() is not None:
            return cast(PythonParser, parse.__get__(reporter))
        return early.result()

    patch = pytest.MonkeyPatch()
    patch.setattr(PythonFileReporter, "parser", property(parser))
    config.add_cleanup(patch.undo)
    config.add_cleanup(lambda: pool.shutdown(cancel_futures=True))


def _work_in_the_background() -> None:
    os.nice(19)
    # Ctrl-C is for the process that waits for this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def parsed(path: str) -> PythonParser:
    """Return what a report needs to know about the code of a module, which is all that is kept of its syntax tree."""
    parser = PythonFileReporter(path, _coverage()).parser
    parser.arcs()
    return parser


@cache
def _coverage() -> Coverage:
    return Coverage(data_file=None, config_file=CONFIGURATION)
