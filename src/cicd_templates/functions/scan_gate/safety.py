"""Reads JSON reports of Safety in three formats: of version 1, of `safety check`, and of `safety scan`."""

from __future__ import annotations

from typing import Any

from cicd_templates.functions.scan_gate.reading import (
    Finding,
    Report,
    UnusableError,
    listing,
    mapping,
    require_count,
    require_keys,
    require_version,
    rows,
    text,
    word,
)
from cicd_templates.functions.scan_gate.severity import cwe_numbers, normalised_severity


def read_safety(value: Any) -> Report:
    """Return the output of any version of Safety as a `Report`. In each version, some findings have no severity."""
    if isinstance(value, list):
        read = Report([_old(row) for row in value])
        if not value:
            read.mark_incomplete(
                "Safety version 1 wrote an empty list, which does not show that anything was scanned; use version 3"
            )
        return read
    if isinstance(value, dict) and "scan_results" in value:
        return _scan(require_keys(value, "Safety", "meta", "scan_results"))
    return _checked(require_keys(value, "Safety", "report_meta", "vulnerabilities"))


def _old(row: Any) -> Finding:
    if not isinstance(row, list) or len(row) < 5 or not all(isinstance(each, str) for each in row[:5]):
        raise UnusableError("a row is not a list of five strings, so Safety 1 did not write this report")
    return Finding("safety", row[4], None, "unknown", title=row[3], package=row[0], version=row[2])


def _checked(report: dict[str, Any]) -> Report:
    """Return the output of `safety check` as a `Report`."""
    meta = mapping(report["report_meta"], "report_meta")
    read = Report(tool_version=text(meta.get("safety_version")))
    for row in rows(report["vulnerabilities"], "vulnerabilities"):
        read.add(_safety_finding(row), row.get("ignored"))
    for row in rows(report.get("ignored_vulnerabilities"), "ignored_vulnerabilities"):
        read.add(_safety_finding(row), True)
    require_count(read, meta.get("vulnerabilities_found"), len(read.findings), "vulnerabilities")
    require_count(read, meta.get("vulnerabilities_ignored"), len(read.suppressed), "ignored vulnerabilities")
    packages = report.get("scanned_packages")
    listed = len(mapping(packages, "scanned_packages"))
    if packages is not None:
        require_count(read, meta.get("packages_found"), listed, "packages")
    found = {finding.package.lower() for finding in (*read.findings, *read.suppressed)}
    hidden = {name.lower() for name in mapping(report.get("affected_packages"), "affected_packages")} - found
    if hidden:
        read.mark_incomplete(f"{min(hidden)} is in affected_packages, but no vulnerability of this package is listed")
    if not listed and not meta.get("packages_found"):
        read.mark_incomplete("no package was scanned")
    read.covered = f"{listed or text(meta.get('packages_found'))} packages"
    return read


def _safety_finding(row: dict[str, Any]) -> Finding:
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


def _scan(report: dict[str, Any]) -> Report:
    """Return the output of `safety scan` as a `Report` with the findings in all files that Safety scanned."""
    meta = mapping(report["meta"], "meta")
    require_version(meta.get("schema_version"), "3.0", "meta.schema_version")
    results = mapping(report["scan_results"], "scan_results")
    read, scanned = Report(), 0
    read.tool_version = text(mapping(meta.get("telemetry"), "telemetry").get("safety_version"))
    projects = rows(results.get("projects"), "projects")
    for file in [file for part in (*projects, results) for file in rows(part.get("files"), "files")]:
        listed = mapping(file.get("results"), "results").get("dependencies")
        for dependency in rows(listed, "dependencies"):
            for specification in rows(dependency.get("specifications"), "specifications"):
                scanned += 1
                _read_specification(text(dependency.get("name")), specification, read)
    if not scanned:
        read.mark_incomplete("no package was scanned")
    read.covered = f"{scanned} packages"
    return read


def _read_specification(name: str, specification: dict[str, Any], read: Report) -> None:
    known = mapping(specification.get("vulnerabilities"), "vulnerabilities")
    if known.get("known_vulnerabilities") is None:
        raise UnusableError(
            f"Safety did not write this report: the specification of {name} has no known_vulnerabilities"
        )
    listed = rows(known.get("known_vulnerabilities"), "known_vulnerabilities")
    version = text(specification.get("raw")).partition("==")[2]
    for row in listed:
        finding = Finding("safety", text(row.get("id")), None, "unknown", package=name, version=version)
        read.add(finding, row.get("ignored"))
    stated = mapping(known.get("remediation"), "remediation").get("vulnerabilities_found")
    require_count(read, stated, len(listed), f"vulnerabilities of {name}")
