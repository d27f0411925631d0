"""Reader of Grype's JSON. Grype exits 0 whatever it finds, unless configured otherwise."""

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
from cicd_templates.functions.scan_gate.severity import normalised_severity


def read_grype(value: Any) -> Report:
    """Return the report of `grype --output json`."""
    report = mapping(value, "the report")
    if report.get("matches") is None:
        raise UnusableError("the report has no matches, so Grype did not write it")
    read = Report()
    ignored = rows(report.get("ignoredMatches"), "ignoredMatches")
    matches = [*((each, False) for each in rows(report["matches"], "matches")), *((each, True) for each in ignored)]
    for match, suppressed in matches:
        row = mapping(match.get("vulnerability"), "vulnerability")
        artifact = mapping(match.get("artifact"), "artifact")
        related = rows(match.get("relatedVulnerabilities"), "relatedVulnerabilities")
        read.add(
            Finding(
                tool="grype",
                id=text(row.get("id")),
                tool_severity=word(row.get("severity")),
                severity=normalised_severity(row.get("severity")),
                aliases=[text(each.get("id")) for each in related],
                title=text(row.get("description")),
                package=text(artifact.get("name")),
                version=text(artifact.get("version")),
                fix=listing(mapping(row.get("fix"), "fix").get("versions")),
            ),
            suppressed,
        )
    return read
