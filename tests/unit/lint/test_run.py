"""Templates are distributed over processes, and a process that dies is reported in one clear line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from cicd_templates.errors import CicdError
from cicd_templates.lint import run
from cicd_templates.lint.formats import LintFinding


def name_the_process(paths: Sequence[Path]) -> list[LintFinding]:
    return [LintFinding(path.name, len(paths), "E1", str(os.getpid())) for path in paths]


def end_the_process(paths: Sequence[Path]) -> list[LintFinding]:
    os._exit(9)


def cannot_read(paths: Sequence[Path]) -> list[LintFinding]:
    raise CicdError(f"{paths[0].name}: cannot be read")


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Return five templates, each twice as large as the one before."""
    paths = [tmp_path / f"{number}.yaml" for number in range(5)]
    for number, path in enumerate(paths):
        path.write_text("x" * 2**number)
    return paths


@pytest.mark.parametrize("processes", [0, 1])
def test_few_templates_are_linted_in_this_process(paths: list[Path], processes: int) -> None:
    findings = run.lint_in_processes(paths, name_the_process, processes)

    assert [(finding.path, finding.message) for finding in findings] == [
        (path.name, str(os.getpid())) for path in paths
    ]


def test_each_process_gets_a_share_of_the_largest_and_of_the_smallest(paths: list[Path]) -> None:
    findings = run.lint_in_processes(paths, name_the_process, 2)

    assert str(os.getpid()) not in {finding.message for finding in findings}
    assert [finding.line for finding in findings] == [3, 3, 3, 2, 2]
    assert [finding.path for finding in findings] == ["4.yaml", "2.yaml", "0.yaml", "3.yaml", "1.yaml"]


def test_a_process_that_is_killed_is_one_line(paths: list[Path]) -> None:
    with pytest.raises(CicdError, match=r"^cfn-lint: one of 2 processes was killed before .*; if memory is short, "):
        run.lint_in_processes(paths, end_the_process, 2)


def test_an_error_in_a_process_is_raised_here(paths: list[Path]) -> None:
    with pytest.raises(CicdError, match=r"^4\.yaml: cannot be read$"):
        run.lint_in_processes(paths, cannot_read, 2)


@pytest.mark.parametrize(
    ("templates", "cores", "processes"),
    [(1, 8, 0), (9, 8, 0), (28, 2, 2), (28, 1, 1), (28, 8, 2), (1500, 64, 8)],
    ids=["one", "few", "two cores", "one core", "more cores than are worth it", "many cores"],
)
def test_processes_are_worth_it_for_ten_templates_each(
    templates: int, cores: int, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def record(paths: Sequence[Path], find: object, processes: int) -> list[LintFinding]:
        asked.append(processes)
        return [LintFinding("b.yaml", 1, "E1", ""), LintFinding("a.yaml", 1, "E1", "")]

    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr(run, "lint_in_processes", record)

    findings = run.lint_templates([Path("x.yaml")] * templates)
    assert asked == [processes]
    assert [finding.path for finding in findings] == ["a.yaml", "b.yaml"]
