"""Reader of Snyk's JSON: open source, containers with their applications, unmanaged code, infrastructure as code."""

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
    words,
)
from cicd_templates.functions.scan_gate.severity import cwe_numbers, normalised_severity


def read_snyk(value: Any) -> Report:
    """Return the report of `snyk test` for one or more projects. An error in one makes the whole report unusable."""
    projects = rows(value, "the report") if isinstance(value, list) else [mapping(value, "the report")]
    if not projects:
        raise UnusableError("the report has no project")
    read = Report()
    for project in projects:
        for part in [project, *rows(project.get("applications"), "applications")]:
            _read_project(part, read)
    return read


def _read_project(project: dict[str, Any], read: Report) -> None:
    if project.get("error"):
        raise UnusableError(f"Snyk reports: {text(project['error'])[:300]}")
    found = rows(project.get("vulnerabilities"), "vulnerabilities")
    infrastructure = rows(project.get("infrastructureAsCodeIssues"), "infrastructureAsCodeIssues")
    issues = rows(project.get("issues"), "issues") if not found else []
    if project.keys().isdisjoint(("vulnerabilities", "infrastructureAsCodeIssues", "issues")):
        raise UnusableError("a project has neither vulnerabilities nor issues, so Snyk did not write it")
    if project.get("ok") is False and not (found or infrastructure or issues or "filtered" in project):
        read.mark_incomplete("a project is not ok, and the report does not say why")
    count = project.get("dependencyCount")
    if not count and "infrastructureAsCodeIssues" not in project and (count == 0 or not (found or issues)):
        read.mark_incomplete("a project without dependencies was scanned")
    read.findings += [_snyk_finding(row, project) for row in (*found, *infrastructure)]
    for key, passed_over in mapping(project.get("filtered"), "filtered").items():
        for row in rows(passed_over, f"filtered.{key}"):
            read.add(_snyk_finding(row, project), True)
    data = mapping(project.get("issuesData"), "issuesData")
    for issue in issues:
        details = mapping(data.get(text(issue.get("issueId")) or text(issue.get("id"))) or {}, "issuesData")
        read.findings.append(_snyk_finding({**issue, **details}, project))


def _snyk_finding(row: dict[str, Any], project: dict[str, Any]) -> Finding:
    names = mapping(row.get("identifiers"), "identifiers")
    severity = word(row.get("severity"))
    # Old APIs report critical findings as high in `severity`.
    strict = normalised_severity(row.get("severityWithCritical"))
    return Finding(
        tool="snyk",
        id=text(row.get("id") or row.get("issueId")),
        tool_severity=severity,
        severity=strict if strict == "critical" else normalised_severity(severity),
        cwe=cwe_numbers(names.get("CWE")),
        aliases=[*words(names.get("CVE")), *words(names.get("GHSA"))],
        title=text(row.get("title")),
        package=text(row.get("packageName") or row.get("pkgName")),
        version=text(row.get("version") or row.get("pkgVersion")),
        file=text(project.get("displayTargetFile") or project.get("targetFile")),
        fix=listing(row.get("fixedIn")),
    )
