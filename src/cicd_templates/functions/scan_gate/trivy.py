"""Reads Trivy's JSON. By default, Trivy exits with 0 even if it has findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cicd_templates.functions.scan_gate.reading import (
    Finding,
    Report,
    UnusableError,
    items,
    mapping,
    number,
    require_count,
    rows,
    text,
    word,
)
from cicd_templates.functions.scan_gate.severity import cwe_numbers, normalised_severity

# The lists of findings in a result. For each list: the key of a finding's id, and the type of these findings among
# modified findings.
_LISTS = {
    "Vulnerabilities": ("VulnerabilityID", "vulnerability"),
    "Misconfigurations": ("ID", "misconfiguration"),
    "Secrets": ("RuleID", "secret"),
    "Licenses": ("Name", "license"),
}
_MODIFIED = "ExperimentalModifiedFindings"
_RESULT_KEYS = {"Class", "Type", "Packages", "MisconfSummary", "CustomResources", _MODIFIED, *_LISTS}
_CLUSTER_LISTS = ("Resources", "Vulnerabilities", "Misconfigurations", "Findings")


def read_trivy(value: Any) -> Report:
    """Read Trivy's output: an object (schema version 2), a list (older versions), or the report of a cluster."""
    read = Report()
    results = list(_trivy_results(value, read))
    for result in results:
        _read_result(result, read)
    if not results:
        read.mark_incomplete("nothing was scanned")
    read.covered = f"{len(results)} targets"
    return read


def _trivy_results(value: Any, read: Report) -> Iterator[dict[str, Any]]:
    """Yield every result. Raises `UnusableError` if a result lacks the keys that Trivy writes."""
    if isinstance(value, list) or value is None:
        found = rows(value, "the report")
    else:
        found = list(_results_of_object(mapping(value, "the report"), read))
    for result in found:
        misspelled = {key for key in result if key not in _RESULT_KEYS} & {key.lower() for key in _RESULT_KEYS}
        if misspelled or not isinstance(result.get("Target"), str) or result.keys().isdisjoint(_RESULT_KEYS):
            has = ", ".join(sorted(result)[:8]) or "none"
            raise UnusableError(
                "Trivy did not write this report: one result does not have the keys that Trivy writes, such as Target "
                f"and Class; its keys are: {has}"
            )
        yield result


def _results_of_object(report: dict[str, Any], read: Report) -> Iterator[dict[str, Any]]:
    if report.get("SchemaVersion") != 2 and not (report.get("SchemaVersion") is None and "ClusterName" in report):
        schema = text(report.get("SchemaVersion")) or "none"
        raise UnusableError(f"the report's SchemaVersion is {schema}, but the gate supports only version 2")
    read.tool_version = text(mapping(report.get("Trivy"), "Trivy").get("Version"))
    system = mapping(mapping(report.get("Metadata"), "Metadata").get("OS"), "Metadata.OS")
    if system.get("EOSL"):
        # The support of the operating system has ended, so Trivy lists no vulnerabilities of this system.
        name, version = text(system.get("Family")), text(system.get("Name"))
        title = "this version of the operating system is no longer supported"
        read.findings.append(
            Finding("trivy", "end-of-support", None, "high", title=title, package=name, version=version)
        )
    yield from rows(report.get("Results"), "Results")
    for key in _CLUSTER_LISTS:
        for resource in rows(report.get(key), key):
            if resource.get("Error"):
                read.mark_incomplete(f"{text(resource.get('Name'))} was not scanned: {text(resource['Error'])[:200]}")
            yield from rows(resource.get("Results"), "Results")


def _read_result(result: dict[str, Any], read: Report) -> None:
    target = text(result.get("Target"))
    for kind, (key, _) in _LISTS.items():
        for row in rows(result.get(kind), kind):
            if kind != "Misconfigurations" or row.get("Status") != "PASS":
                read.add(_trivy_finding(row, key, target), row.get("Status") == "EXCEPTION")
    failed = [row for row in rows(result.get("Misconfigurations"), "Misconfigurations") if row.get("Status") == "FAIL"]
    failures = mapping(result.get("MisconfSummary"), "MisconfSummary").get("Failures")
    require_count(read, failures, len(failed), f"failed checks of {target}")
    keys = {name: key for key, name in _LISTS.values()}
    for row in rows(result.get(_MODIFIED), _MODIFIED):
        # .trivyignore or a VEX document removed this finding.
        modified = mapping(row.get("Finding"), "Finding")
        read.add(_trivy_finding(modified, keys.get(text(row.get("Type")), "VulnerabilityID"), target), True)


def _trivy_finding(row: dict[str, Any], key: str, target: str) -> Finding:
    return Finding(
        tool="trivy",
        id=text(row.get(key)),
        tool_severity=word(row.get("Severity")),
        severity=normalised_severity(row.get("Severity")),
        cwe=cwe_numbers(items(row.get("CweIDs"), "CweIDs", str)),
        title=text(row.get("Title")),
        package=text(row.get("PkgName")),
        version=text(row.get("InstalledVersion")),
        file=target,
        line=number(row.get("StartLine")),
        fix=text(row.get("FixedVersion")) if key == "VulnerabilityID" else None,
        excerpt=text(row.get("Match")),
    )
