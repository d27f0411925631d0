"""Reads Grype's JSON. By default, Grype exits with 0 even if it has findings."""

from __future__ import annotations

from typing import Any

from cicd_templates.functions.scan_gate.reading import (
    Finding,
    Report,
    UnusableError,
    fraction,
    listing,
    mapping,
    require_keys,
    rows,
    text,
    word,
)
from cicd_templates.functions.scan_gate.severity import cwe_numbers, normalised_severity


def read_grype(value: Any) -> Report:
    """Return the output of `grype --output json` as a `Report`."""
    report = require_keys(value, "Grype", "matches", "descriptor")
    descriptor = mapping(report["descriptor"], "descriptor")
    if descriptor.get("name") != "grype":
        raise UnusableError(
            f"the report was written by {text(descriptor.get('name')) or 'an unnamed tool'}, not by grype"
        )
    read = Report(tool_version=text(descriptor.get("version")))
    database = mapping(descriptor.get("db"), "descriptor.db")
    status = mapping(database.get("status"), "descriptor.db.status") or database
    if status.get("valid") is False or status.get("error"):
        read.mark_incomplete(f"the tool's vulnerability database is not valid: {text(status.get('error'))[:200]}")
    for key, suppressed in (("matches", False), ("ignoredMatches", True)):
        for match in rows(report.get(key), key):
            read.add(_grype_finding(match), suppressed)
    distribution = mapping(report.get("distro"), "distro")
    for alert in sorted(_alerts(report.get("alertsByPackage"))):
        # Grype writes this alert for each package of a distribution that has reached the end of its support.
        title = f"{alert}: new vulnerabilities of this distribution are no longer published"
        name, version = text(distribution.get("name")) or "distribution", text(distribution.get("version"))
        read.findings.append(Finding("grype", alert, None, "high", title=title, package=name, version=version))
    read.covered = f"{text(mapping(report.get('source'), 'source').get('type')) or 'an unnamed source'}"
    return read


def _alerts(value: Any) -> set[str]:
    """Return the types of the alerts, such as `distro-eol`. If there are no alerts, Grype may write an empty object."""
    packages = rows([] if value == {} else value, "alertsByPackage")
    return {text(alert.get("type")) for package in packages for alert in rows(package.get("alerts"), "alerts")}


def _grype_finding(match: dict[str, Any]) -> Finding:
    row = mapping(match.get("vulnerability"), "vulnerability")
    artifact = mapping(match.get("artifact"), "artifact")
    related = rows(match.get("relatedVulnerabilities"), "relatedVulnerabilities")
    described = [row, *related]
    return Finding(
        tool="grype",
        id=text(row.get("id")),
        tool_severity=word(row.get("severity")),
        severity=normalised_severity(row.get("severity")),
        cwe=cwe_numbers([weakness.get("cwe") for each in described for weakness in rows(each.get("cwes"), "cwes")]),
        aliases=[text(each.get("id")) for each in related],
        title=text(row.get("description")),
        package=text(artifact.get("name")),
        version=text(artifact.get("version")),
        fix=listing(mapping(row.get("fix"), "fix").get("versions")),
        exploited=any(rows(each.get("knownExploited"), "knownExploited") for each in described),
        epss=max(
            (fraction(score.get("epss")) for each in described for score in rows(each.get("epss"), "epss")), default=0
        ),
    )
