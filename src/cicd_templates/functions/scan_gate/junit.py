"""Reader of JUnit XML. A failed test is a finding, and a report without executed tests is incomplete."""

from __future__ import annotations

from xml.etree import ElementTree

from cicd_templates.functions.scan_gate.reading import Finding, Report, UnusableError


def read_junit(data: bytes) -> Report:
    """Return the report of a test run. A document type is refused: it could define entities of any size."""
    # The parser also takes UTF-16, in which it would see a document type that we do not, and which has NUL bytes.
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UnusableError("the report is not UTF-8")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise UnusableError("the report has a document type, which test runners do not write")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - entities need a document type, which is refused
    except ElementTree.ParseError as error:
        raise UnusableError(f"the report is not XML: {error}") from None
    if root.tag not in ("testsuites", "testsuite"):
        raise UnusableError(f"the root element is {root.tag}, not testsuites or testsuite")
    result = Report()
    cases = list(root.iter("testcase"))
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            name = f"{case.get('classname', '')}.{case.get('name', '')}".strip(".")
            file, line = case.get("file", ""), int(case.get("line") or 0)
            result.findings.append(Finding("junit", name, "failed", "high", file=file, line=line))
    if all(case.find("skipped") is not None for case in cases):
        result.mark_incomplete("no test was executed")
    return result
