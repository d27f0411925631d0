"""Reads JUnit XML. A failed test is a finding. A report in which no test was executed is incomplete."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree

from cicd_templates.functions.scan_gate.reading import Finding, Report, UnusableError

FAILED = ("failure", "error")
_SKIPPED = ("skipped", "disabled", "ignored")
# Surefire writes each repeated run of a test into the test's element.
_REPEATED = ("flakyFailure", "flakyError", "rerunFailure", "rerunError")
# Some runners write these words in the attributes `status` and `result` of a test, instead of an element.
_FAILED_WORDS = ("failed", "failure", "error", "errored", "broken", "aborted", "crashed", "timeout", "interrupted")
_SKIPPED_WORDS = ("skipped", "notrun", "disabled", "suppressed", "ignored", "pending")


def read_junit(data: bytes) -> Report:
    """Return a JUnit report as a `Report`. If a count contradicts the list of tests, mark the report as incomplete."""
    root = parse_junit(data)
    result = Report()
    for suite in _suites(root):
        for _ in (child for child in suite if child.tag in FAILED):
            name = f"{suite.get('name', 'suite')} failed outside its tests"
            result.findings.append(Finding("junit", name, "failed", "high", file=suite.get("file", "")))
        problem = _count_problem(suite)
        if problem:
            result.mark_incomplete(problem)
    cases = list(root.iter("testcase"))
    for case in cases:
        if outcome_of(case) == "failed":
            name = f"{case.get('classname', '')}.{case.get('name', '')}".strip(".")
            file, line = case.get("file", ""), int(case.get("line") or 0)
            result.findings.append(Finding("junit", name, "failed", "high", file=file, line=line))
    nameless = sum(not case.get("name", "").strip() for case in cases)
    if nameless:
        result.mark_incomplete(f"{nameless} tests have no name, which shows that the test run was interrupted")
    executed = sum(outcome_of(case) != "skipped" for case in cases)
    if not executed:
        result.mark_incomplete("no test was executed")
    result.covered = f"{executed} of {len(cases)} tests"
    return result


def parse_junit(data: bytes) -> ElementTree.Element:
    """Return the root element of a JUnit report. Raises `UnusableError` if the XML is invalid or has a document type.

    A document type could define entities of any size.
    """
    # The parser also accepts UTF-16, in which the search below would not find a document type.
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UnusableError("the report is not UTF-8")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise UnusableError("the report has a document type (DOCTYPE), which test runners do not write")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - entities need a document type, which is refused
    except ElementTree.ParseError as error:
        raise UnusableError(f"the report is not XML: {error}") from None
    if root.tag not in ("testsuites", "testsuite"):
        raise UnusableError(f"the root element is {root.tag}, not testsuites or testsuite")
    return root


def _suites(root: ElementTree.Element) -> list[ElementTree.Element]:
    """Return `root` and all suites within it, without duplicates."""
    return [root, *(suite for suite in root.iter("testsuite") if suite is not root)]


def outcome_of(case: ElementTree.Element) -> str:
    """Return whether a test `failed`, was `skipped` or has `passed`."""
    tags = {child.tag for child in case}
    stated = {case.get(key, "").lower() for key in ("status", "result")}
    if not tags.isdisjoint(FAILED) or not stated.isdisjoint(_FAILED_WORDS):
        return "failed"
    return "skipped" if not tags.isdisjoint(_SKIPPED) or not stated.isdisjoint(_SKIPPED_WORDS) else "passed"


def _count_problem(suite: ElementTree.Element) -> str:
    """Return how the suite's own counts contradict its list of tests. Return an empty string if they do not.

    The count `tests` may include repetitions of tests, and skipped tests that the suite does not list.
    """
    cases = list(suite.iter("testcase"))
    outcomes = Counter(map(outcome_of, cases))
    # An element for the complete suite, for example for its set-up, also counts.
    failed = sum(child.tag in FAILED for part in _suites(suite) for child in part)
    failed += sum(child.tag in FAILED for case in cases for child in case)
    failed += sum(outcome_of(case) == "failed" and not any(child.tag in FAILED for child in case) for case in cases)
    repeated = sum(child.tag in _REPEATED for case in cases for child in case)
    counts = {
        key: int(suite.get(key, "").strip() or -1) for key in ("tests", "failures", "errors", "skipped", "disabled")
    }
    name = suite.get("name") or suite.tag
    stated = max(counts["failures"], 0) + max(counts["errors"], 0)
    if stated > failed:
        return f"{name} counts {stated} failures and errors but lists {failed}"
    skipped = max(counts["skipped"], 0) + max(counts["disabled"], 0)
    unlisted = max(0, skipped - outcomes["skipped"])
    if counts["tests"] > len(cases) + repeated + unlisted:
        return f"{name} counts {counts['tests']} tests but lists {len(cases)}"
    if 0 < counts["tests"] <= skipped and outcomes["passed"]:
        return f"{name} counts all of its {counts['tests']} tests as skipped but lists {outcomes['passed']} that passed"
    if 0 <= counts["tests"] < outcomes["passed"]:
        return f"{name} counts {counts['tests']} tests but lists {len(cases)}, which shows an interrupted run"
    return ""
