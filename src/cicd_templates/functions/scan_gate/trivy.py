"""Reader of Trivy's JSON. Trivy exits 0 whatever it finds, unless configured otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cicd_templates.functions.scan_gate.reading import Finding, Report, UnusableError, mapping, number, rows, text, word
from cicd_templates.functions.scan_gate.severity import cwe_numbers, normalised_severity


def read_trivy(value: Any) -> Report:
    """Return the report of Trivy: schema 2, the older list, or the report of a cluster."""
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
        read.mark_incomplete("nothing was scanned")
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
        raise UnusableError("the report has none of Trivy's top-level keys")
    yield from rows(report.get("Results"), "Results")
    for key in ("Resources", "Vulnerabilities", "Misconfigurations"):
        for resource in rows(report.get(key), key):
            yield from rows(resource.get("Results"), "Results")


def _trivy_finding(row: dict[str, Any], key: str, target: str) -> Finding:
    return Finding(
        tool="trivy",
        id=text(row.get(key)),
        tool_severity=word(row.get("Severity")),
        severity=normalised_severity(row.get("Severity")),
        cwe=cwe_numbers(row.get("CweIDs")),
        title=text(row.get("Title")),
        package=text(row.get("PkgName")),
        version=text(row.get("InstalledVersion")),
        file=target,
        line=number(row.get("StartLine")),
        fix=text(row.get("FixedVersion")) if key == "VulnerabilityID" else None,
        excerpt=text(row.get("Match")),
    )
