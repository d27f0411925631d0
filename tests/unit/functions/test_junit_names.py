"""The names of tests by their outcome, as the reader of JUnit reports counts them."""

from __future__ import annotations

import pytest

from cicd_templates.functions.junit_names import names_by_outcome
from cicd_templates.functions.scan_gate.reading import UnusableError


@pytest.mark.parametrize(
    ("report", "failed", "passed", "skipped"),
    [
        ('<testsuite><testcase classname="a.B" name="c"/><testcase name="d"/></testsuite>', [], ["a.B.c", "d"], []),
        ('<testsuite><testcase name="a"><error/></testcase></testsuite>', ["a"], [], []),
        ('<testsuite><testcase name="a" status="notrun"/></testsuite>', [], [], ["a"]),
        ('<testsuites><testsuite name="s"><failure/></testsuite></testsuites>', ["s failed outside its tests"], [], []),
        ('<testsuite><error/><testcase name="a"/></testsuite>', ["suite failed outside its tests"], ["a"], []),
        ('<testsuite><testcase name="b"/><testcase name="a"/><testcase name="a"/></testsuite>', [], ["a", "b"], []),
    ],
    ids=["passed", "failed", "skipped", "a suite", "a suite without a name", "sorted, each once"],
)
def test_names_are_listed_by_outcome(report: str, failed: list[str], passed: list[str], skipped: list[str]) -> None:
    assert names_by_outcome(report.encode()) == {"failed": failed, "passed": passed, "skipped": skipped}


def test_a_report_that_is_no_xml_is_refused() -> None:
    with pytest.raises(UnusableError, match="the report is not XML"):
        names_by_outcome(b"<testsuite>")
