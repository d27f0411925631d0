"""The distribution of the tests over workers."""

from __future__ import annotations

import pytest

from tests.conftest import Groups


@pytest.mark.parametrize(
    ("test", "goes_with"),
    [
        ("tests/integration/test_rehearsal.py::test_a[x]", "tests/integration/test_rehearsal.py"),
        ("tests/unit/builds/test_hostile_application.py::test_a", "tests/unit/builds/test_hostile_application.py"),
        ("tests/unit/templates/test_workers.py::test_a[x]", "tests/unit/templates/test_workers.py"),
        ("tests/unit/test_distribution.py::test_a[x]", "tests/unit/test_distribution.py::test_a[x]"),
        ("tests/unit/test_distribution.py::test_a[::]", "tests/unit/test_distribution.py::test_a[::]"),
    ],
)
def test_all_tests_of_a_file_that_share_something_go_to_one_worker(test: str, goes_with: str) -> None:
    assert Groups.__new__(Groups)._split_scope(test) == goes_with
