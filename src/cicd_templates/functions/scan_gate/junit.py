"""JUnit's XML, as test runners write it: a test that failed is a finding, and no test at all is no report."""

from __future__ import annotations

from xml.etree import ElementTree

from cicd_templates.functions.scan_gate.reading import Finding, Report, UnusableError


def read_junit(data: bytes) -> Report:
    """The report of a run of tests. A document type, which could define endless text, is refused."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise UnusableError("the report defines a document type, which no test runner does")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - without a document type nothing can be defined
    except ElementTree.ParseError as error:
        raise UnusableError(f"the report is not XML: {error}") from None
    if root.tag not in ("testsuites", "testsuite"):
        raise UnusableError(f"the report is a {root.tag}, and no test suite")
    read = Report()
    cases = list(root.iter("testcase"))
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            name = f"{case.get('classname', '')}.{case.get('name', '')}".strip(".")
            file, line = case.get("file", ""), int(case.get("line") or 0)
            read.findings.append(Finding("junit", name, "failed", "high", file=file, line=line))
    if all(case.find("skipped") is not None for case in cases):
        read.lacks("no test was run")
    return read
