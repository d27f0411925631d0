"""The distribution of the tests over workers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.distribution import HEAVY, ROOT, scopes_of, sort_as_collected_forwards, turn_around

ALONE = "tests/unit/test_distribution.py"


@pytest.mark.parametrize(
    "file",
    [
        "tests/unit/builds/test_hostile_application.py",
        "tests/unit/templates/test_workers.py",
    ],
)
def test_all_tests_of_a_file_that_share_something_go_to_one_worker(file: str) -> None:
    tests = [f"{file}::test_a[{number}]" for number in range(5)]

    assert scopes_of(tests, 2) == dict.fromkeys(tests, file)


@pytest.mark.parametrize(("together", "sizes"), [(2, [2, 2, 1]), (1, [1, 1, 1, 1, 1])])
def test_of_other_files_a_worker_takes_a_few_tests_at_a_time(together: int, sizes: list[int]) -> None:
    scopes = list(scopes_of([f"{ALONE}::test_a[{row}]" for row in ("x", "::", "[", "y", "z")], together).values())

    assert [scopes.count(scope) for scope in dict.fromkeys(scopes)] == sizes


def test_tests_of_two_files_are_not_handed_out_together() -> None:
    tests = [f"{ALONE}::test_a", "tests/unit/test_measurement.py::test_a", f"{ALONE}::test_b"]

    first, other, second = scopes_of(tests, 2).values()
    assert first == second != other


def test_short_tests_that_load_much_go_to_one_worker_and_long_ones_to_any() -> None:
    tests = [f"tests/unit/rules/test_{name}.py::test_a" for name in ("cases", "loaded")]

    assert len(set(scopes_of(tests, 2).values())) == 1
    assert len(set(scopes_of(tests, 1).values())) == 2


@pytest.mark.parametrize("path", [path for files in HEAVY.values() for path in files])
def test_every_path_of_tests_that_load_much_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("worker", "backwards"), [(None, False), ("gw0", False), ("gw1", True), ("gw10", False)])
def test_every_second_worker_collects_backwards(worker: str | None, backwards: bool) -> None:
    config = SimpleNamespace(**({"workerinput": {"workerid": worker}} if worker else {}))
    report: Any = SimpleNamespace(result=["a", "b", "c"])
    turn_around(report, cast(pytest.Config, config))

    assert report.result == (["c", "b", "a"] if backwards else ["a", "b", "c"])


def test_a_worker_that_collects_backwards_ends_up_with_the_list_of_the_others() -> None:
    tests: list[Any] = [SimpleNamespace(path=ROOT / name, number=n) for name in ("a.b", "a/b/c", "a/z") for n in (1, 2)]
    backwards = [tests[position] for position in (4, 5, 2, 3, 0, 1)]
    sort_as_collected_forwards(tests)
    sort_as_collected_forwards(backwards)

    assert backwards == tests
