"""Reads the names of the tests that a JUnit report lists."""

from __future__ import annotations

from cicd_templates.functions.scan_gate.junit import FAILED, outcome_of, parse_junit


def names_by_outcome(data: bytes) -> dict[str, list[str]]:
    """Return the sorted names of the tests in a JUnit report, keyed by their outcome: failed, passed or skipped.

    If a suite failed outside its tests, this counts as a failed test. Raises `UnusableError` if the XML is invalid.
    """
    root = parse_junit(data)
    names: dict[str, set[str]] = {"failed": set(), "passed": set(), "skipped": set()}
    for suite in (element for element in root.iter() if element.tag in ("testsuites", "testsuite")):
        if any(child.tag in FAILED for child in suite):
            names["failed"].add(f"{suite.get('name', 'suite')} failed outside its tests")
    for case in root.iter("testcase"):
        names[outcome_of(case)].add(f"{case.get('classname', '')}.{case.get('name', '')}".strip("."))
    return {outcome: sorted(tests) for outcome, tests in names.items()}
