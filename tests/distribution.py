"""Hands out the tests to workers, and lets workers report them, with as few messages as possible.

pytest-xdist sends six messages for each test, and counts all tests that it knows after each. With thousands of short
tests, that takes as long as many of the tests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

ROOT = Path(__file__).parent.parent
# How many tests of a file a worker takes at a time. Long tests are handed out one by one.
TOGETHER = 12
# Files and folders whose short tests load much into their process: cfn-lint with its rules and schemas, or the local
# AWS and a rehearsal. One worker runs all of a kind, so that only this one takes the memory and the time for it.
HEAVY = {
    "cfn-lint": (
        "tests/projects/test_generated_projects.py",
        "tests/unit/cli/test_command_line.py",
        "tests/unit/lint/",
        "tests/unit/reference/test_documents_are_current.py",
        "tests/unit/rules/",
        "tests/unit/template/test_deletion_protection.py",
        "tests/unit/template/test_openings.py",
        "tests/unit/template/test_resource_types.py",
        "tests/unit/templates/test_databases.py",
        "tests/unit/templates/test_rollouts.py",
    ),
    "the local AWS": ("tests/integration/",),
}


def turn_around(folder: pytest.CollectReport, config: pytest.Config) -> None:
    """Let every second worker import the modules of a folder from the last to the first.

    On a first run, pytest rewrites the assertions of each module and keeps the result in a file. Workers that begin at
    opposite ends rewrite only half of the modules each, and read the other half.
    """
    if int(getattr(config, "workerinput", {}).get("workerid", "gw0").removeprefix("gw")) % 2 == 1:
        folder.result.reverse()


def sort_as_collected_forwards(tests: list[pytest.Item]) -> None:
    """Sort by path, so that all workers have equal lists. The tests of a file keep their order."""
    tests.sort(key=lambda test: test.path.parts)


class Groups(LoadScopeScheduling):
    """Hands out a few tests of a file at a time, but all tests of a file that share something to one worker."""

    @cached_property
    def _scopes(self) -> dict[str, str]:
        return scopes_of(self.collection or (), TOGETHER if "not long" in self.config.option.markexpr else 1)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {test: position for position, test in enumerate(self.collection or ())}

    def _split_scope(self, nodeid: str) -> str:
        return self._scopes[nodeid]

    def _assign_work_unit(self, node: WorkerController) -> None:
        """Assign the next unit. pytest-xdist searches the list of all tests for each; all workers have equal lists."""
        scope, unit = self.workqueue.popitem(last=False)
        self.assigned_work.setdefault(node, {})[scope] = unit
        node.send_runtest_some([self._positions[test] for test, completed in unit.items() if not completed])

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Forget a group whose tests have all run: after each test, pytest-xdist counts the tests of all that it knows.

        Otherwise its time grows with the square of the number of tests.
        """
        super().mark_test_complete(node, item_index, duration)
        groups = self.assigned_work[node]
        scope = self._split_scope(self.registered_collections[node][item_index])
        if all(groups[scope].values()):
            del groups[scope]


def scopes_of(tests: Sequence[str], together: int) -> dict[str, str]:
    """Return a name for each test. Tests with an equal name run in one worker, one after the other."""
    counts: Counter[str] = Counter()
    scopes = {}
    for test in tests:
        file = test.partition("::")[0]
        scopes[test] = file if is_grouped(file) else f"{file}::{counts[file] // together}"
        if together > 1:
            scopes[test] = _heavy_kind(file) or scopes[test]
        counts[file] += 1
    return scopes


@cache
def _heavy_kind(file: str) -> str | None:
    return next((kind for kind, files in HEAVY.items() if file.startswith(files)), None)


@cache
def is_grouped(file: str) -> bool:
    """Return whether the tests of `file` share a fixture, by the mark `xdist_group`, or rendered stacks."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return any(sign in text for sign in ("mark.xdist_group(", "rendered_stacks("))


def run_and_report(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Run a test in a worker, and report its call and what did not pass. `--durations` needs the other reports too."""
    every = item.config.option.durations is not None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if every or report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
