"""Reads Snyk's JSON reports on open-source packages, containers, unmanaged code and infrastructure code."""

from __future__ import annotations

import re
from typing import Any

from cicd_templates.functions.scan_gate.reading import (
    Finding,
    Report,
    UnusableError,
    fraction,
    items,
    listing,
    mapping,
    number,
    rows,
    text,
    word,
    words,
)
from cicd_templates.functions.scan_gate.severity import cwe_numbers, normalised_severity, score_of

_ISSUE_LISTS = ("vulnerabilities", "infrastructureAsCodeIssues", "issues")
# The keys that Snyk writes about a project in addition to the list of its findings.
_FACTS = ("ok", "dependencyCount", "packageManager", "projectName", "issuesData")


def read_snyk(value: Any) -> Report:
    """Return the output of `snyk test` as a `Report`. Raises `UnusableError` if a project in it has an error."""
    projects = rows(value, "the report") if isinstance(value, list) else [mapping(value, "the report")]
    if not projects:
        raise UnusableError("the report has no project")
    read = Report()
    parts = [part for project in projects for part in (project, *rows(project.get("applications"), "applications"))]
    for part in parts:
        _read_project(part, read)
    packages = sum(max(0, number(part.get("dependencyCount"))) for part in parts)
    read.covered = f"{len(parts)} projects with {packages} packages"
    return read


def _read_project(project: dict[str, Any], read: Report) -> None:
    if project.get("error"):
        raise UnusableError(f"Snyk reports an error: {text(project['error'])[:300]}")
    if all(project.get(key) is None for key in _ISSUE_LISTS) or project.keys().isdisjoint(_FACTS):
        has = ", ".join(sorted(project)[:8]) or "none"
        raise UnusableError(
            f"Snyk did not write this report: a project lacks the keys that Snyk writes; its keys: {has}"
        )
    found = rows(project.get("vulnerabilities"), "vulnerabilities")
    infrastructure = rows(project.get("infrastructureAsCodeIssues"), "infrastructureAsCodeIssues")
    issues = rows(project.get("issues"), "issues") if not found else []
    filtered = [
        row
        for key, passed_over in mapping(project.get("filtered"), "filtered").items()
        for row in rows(passed_over, f"filtered.{key}")
    ]
    _check_counts(project, [*found, *infrastructure, *issues], filtered, read)
    read.findings += [_snyk_finding(row, project) for row in (*found, *infrastructure)]
    for row in filtered:
        read.add(_snyk_finding(row, project), True)
    data = mapping(project.get("issuesData"), "issuesData")
    for issue in issues:
        details = mapping(data.get(text(issue.get("issueId")) or text(issue.get("id"))) or {}, "issuesData")
        read.findings.append(_snyk_finding({**issue, **details}, project))


def _check_counts(
    project: dict[str, Any], listed: list[dict[str, Any]], filtered: list[dict[str, Any]], read: Report
) -> None:
    if project.get("ok") is False and not listed:
        read.mark_incomplete("a project is not ok, and the report does not say why")
    count = project.get("dependencyCount")
    if not count and "infrastructureAsCodeIssues" not in project and (count == 0 or not listed):
        read.mark_incomplete("a project has no dependencies, so nothing was scanned")
    # Snyk lists one row for each path to a package, or one row for all paths.
    unique = {
        (text(row.get("id")), text(row.get("packageName")), text(row.get("version"))) for row in listed + filtered
    }
    stated = number(project.get("uniqueCount"))
    paths = re.match(r"\d+", text(project.get("summary")))
    if stated > len(unique) or (paths and int(paths[0][:9]) > 0 and not unique):
        read.mark_incomplete(
            f"a project has {stated or paths[0][:9] if paths else stated} issues but lists {len(unique)}"
        )
    if project.get("severityThreshold") not in (None, "low"):
        level = text(project["severityThreshold"])[:20]
        read.mark_incomplete(f"findings below {level} are left out; run Snyk without --severity-threshold")


def _snyk_finding(row: dict[str, Any], project: dict[str, Any]) -> Finding:
    names = mapping(row.get("identifiers"), "identifiers")
    severity = word(row.get("severity"))
    # Old APIs report critical findings as high in `severity`.
    strict = normalised_severity(row.get("severityWithCritical"))
    exploit = mapping(row.get("epssDetails"), "epssDetails")
    return Finding(
        tool="snyk",
        id=text(row.get("id") or row.get("issueId")),
        tool_severity=severity,
        severity=strict if strict == "critical" else normalised_severity(severity),
        cwe=cwe_numbers(items(names.get("CWE"), "identifiers.CWE", str)),
        aliases=[*words(names.get("CVE")), *words(names.get("GHSA"))],
        title=text(row.get("title")),
        package=text(row.get("packageName") or row.get("pkgName")),
        version=text(row.get("version") or row.get("pkgVersion")),
        file=text(project.get("displayTargetFile") or project.get("targetFile")),
        fix=listing(row.get("fixedIn")),
        epss=fraction(score_of(exploit.get("probability"))),
    )
