"""Trivy's JSON: vulnerabilities, misconfigurations, secrets and licences. It exits 0 unless it is told otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cicd_templates.functions.scan_gate.reading import Finding, Report, UnusableError, mapping, number, rows, text, word
from cicd_templates.functions.scan_gate.severity import normalised, weaknesses


def read_trivy(value: Any) -> Report:
    """The report of Trivy: its second schema, the list before it, or that of a cluster."""
    read = Report()
    results = list(_trivy_results(value))
    for result in results:
        target = text(result.get("Target"))
        for kind, key in (("Vulnerabilities", "VulnerabilityID"), ("Misconfigurations", "ID"),
                          ("Secrets", "RuleID"), ("Licenses", "Name")):  # fmt: skip
            for row in rows(result.get(kind), kind):
                if kind != "Misconfigurations" or row.get("Status") != "PASS":
                    read.add(_trivy_finding(row, key, target), row.get("Status") == "EXCEPTION")
    if not results:
        read.lacks("nothing was scanned")
    return read


_MARKS = {"ClusterName", "Misconfigurations", "Resources", "Results", "SchemaVersion", "Vulnerabilities"}


def _trivy_results(value: Any) -> Iterator[dict[str, Any]]:
    if value is None:
        return
    if isinstance(value, list):
        yield from rows(value, "the report")
        return
    report = mapping(value, "the report")
    if not report.keys() & _MARKS:
        raise UnusableError("the report has no schema of Trivy's")
    yield from rows(report.get("Results"), "Results")
    for key in ("Resources", "Vulnerabilities", "Misconfigurations"):
        for resource in rows(report.get(key), key):
            yield from rows(resource.get("Results"), "Results")


def _trivy_finding(row: dict[str, Any], key: str, target: str) -> Finding:
    return Finding(
        tool="trivy",
        id=text(row.get(key)),
        tool_severity=word(row.get("Severity")),
        severity=normalised(row.get("Severity")),
        cwe=weaknesses(row.get("CweIDs")),
        title=text(row.get("Title")),
        package=text(row.get("PkgName")),
        version=text(row.get("InstalledVersion")),
        file=target,
        line=number(row.get("StartLine")),
        fix=text(row.get("FixedVersion")) if key == "VulnerabilityID" else None,
        excerpt=text(row.get("Match")),
    )
