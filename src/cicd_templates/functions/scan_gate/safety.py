"""Reader of Safety's JSON: the list of 1.x, the object of `check` in 2.x and 3.x, and the schema of `scan`."""

from __future__ import annotations

from typing import Any

from cicd_templates.functions.scan_gate.reading import (
    Finding,
    Report,
    UnusableError,
    listing,
    mapping,
    rows,
    text,
    word,
)
from cicd_templates.functions.scan_gate.severity import cwe_numbers, normalised_severity


def read_safety(value: Any) -> Report:
    """Return the report of any version of Safety. None of them states a severity for every finding."""
    if isinstance(value, list):
        return Report([_old(row) for row in value])
    report = mapping(value, "the report")
    if "scan_results" in report:
        return _scan(mapping(report["scan_results"], "scan_results"))
    for key in ("report_meta", "vulnerabilities"):
        if report.get(key) is None:
            raise UnusableError(f"the report has no {key}, so Safety did not write it")
    read = Report()
    for row in rows(report["vulnerabilities"], "vulnerabilities"):
        read.add(_check(row), row.get("ignored"))
    for row in rows(report.get("ignored_vulnerabilities"), "ignored_vulnerabilities"):
        read.add(_check(row), True)
    scanned = mapping(report["report_meta"], "report_meta").get("packages_found")
    if scanned == 0 or report.get("scanned_packages") == {}:
        read.mark_incomplete("no package was scanned")
    return read


def _old(row: Any) -> Finding:
    if not isinstance(row, list) or len(row) < 5:
        raise UnusableError("a row is not a list of five values, so Safety 1 did not write it")
    return Finding(
        "safety", text(row[4]), None, "unknown", title=text(row[3]), package=text(row[0]), version=text(row[2])
    )


def _check(row: dict[str, Any]) -> Finding:
    severity = row.get("severity")
    cvss = severity.get("cvssv3") if isinstance(severity, dict) else None
    base = word(cvss.get("base_severity")) if isinstance(cvss, dict) else None
    return Finding(
        tool="safety",
        id=text(row.get("vulnerability_id")),
        tool_severity=base,
        severity=normalised_severity(base),
        cwe=cwe_numbers(row.get("CWE")),
        aliases=[text(row["CVE"])] if row.get("CVE") else [],
        title=text(row.get("advisory")),
        package=text(row.get("package_name")),
        version=text(row.get("analyzed_version")),
        fix=listing(row.get("fixed_versions")),
    )


def _scan(results: dict[str, Any]) -> Report:
    read, scanned = Report(), 0
    for project in rows(results.get("projects"), "projects"):
        for file in rows(project.get("files"), "files"):
            listed = mapping(file.get("results"), "results").get("dependencies")
            for dependency in rows(listed, "dependencies"):
                for specification in rows(dependency.get("specifications"), "specifications"):
                    scanned += 1
                    known = mapping(specification.get("vulnerabilities"), "vulnerabilities")
                    for row in rows(known.get("known_vulnerabilities"), "known_vulnerabilities"):
                        name, version = text(dependency.get("name")), text(specification.get("raw")).partition("==")[2]
                        finding = Finding("safety", text(row.get("id")), None, "unknown", package=name, version=version)
                        read.add(finding, row.get("ignored"))
    if not scanned:
        read.mark_incomplete("no package was scanned")
    return read
