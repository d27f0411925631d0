"""Lints rendered templates with cfn-lint, as configured in `.cfnlintrc`, in up to one process per core.

cfn-lint takes longer to load all rules than to check a template. So each process loads the rules once, for several
templates. If there are only a few templates, the calling process lints them itself.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from pathlib import Path

from cicd_templates import hints
from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.lint.formats import LintFinding

TEMPLATES_WORTH_A_PROCESS = 10
MOST_PROCESSES = 8


def lint_templates(paths: Sequence[Path], suffix: str | None = None) -> list[LintFinding]:
    """Return the sorted findings in the files at `paths`.

    Raises `ConfigurationError` if `paths` is empty, and `CicdError` if a process ends without returning its findings.

    `suffix` is used only for the command that the error message recommends. If the templates belong to a parallel copy
    of an environment, `suffix` is the suffix of the copy.
    """
    if not paths:
        render = hints.make("render", SUFFIX=suffix)
        raise ConfigurationError(f"nothing to lint: no rendered templates; run `{render}` first")
    processes = min(os.cpu_count() or 1, MOST_PROCESSES, len(paths) // TEMPLATES_WORTH_A_PROCESS)
    return sorted(lint_in_processes(paths, find_in_templates, processes))


def lint_in_processes(
    paths: Sequence[Path], find: Callable[[Sequence[Path]], list[LintFinding]], processes: int
) -> list[LintFinding]:
    """Distribute `paths` over `processes` processes, call `find` in each, and return all findings.

    Each process gets about the same number of paths. With more than one process, `find` must be a module-level
    function. With one process, this function calls `find` itself.
    """
    if processes < 2:
        return find(paths)
    by_size = sorted(paths, key=lambda path: path.stat().st_size, reverse=True)
    shares = [by_size[number::processes] for number in range(processes)]
    # A forked process could wait forever for a lock that a thread of this process holds.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        try:
            return list(chain.from_iterable(pool.map(find, shares)))
        except BrokenProcessPool:
            raise CicdError(
                f"cfn-lint: one of {processes} processes was killed before it had linted its templates; "
                "if memory is short, close other programs, then run the command again"
            ) from None


def find_in_templates(paths: Sequence[Path]) -> list[LintFinding]:
    """Return the findings in the files at `paths`, in cfn-lint's order."""
    # Importing cfn-lint takes half a second, so it is imported only here, to keep other commands fast.
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    runner = Runner(ConfigMixIn([], templates=[str(path) for path in paths]))
    return [
        LintFinding(
            path=str(match.filename),
            line=match.linenumber,
            rule=match.rule.id,
            message=match.message.strip(),
            level=match.rule.severity,
            column=match.columnnumber,
            title=match.rule.shortdesc,
            source=match.rule.source_url,
        )
        for match in runner.run()
    ]
