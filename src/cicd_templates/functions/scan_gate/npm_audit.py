"""Reads the output of `npm audit --json` in version 2 of its format, which npm has written since npm 7."""

from __future__ import annotations

from typing import Any

from cicd_templates.functions.scan_gate.reading import (
    Finding,
    Report,
    mapping,
    number,
    require_count,
    require_keys,
    require_version,
    rows,
    text,
    word,
)
from cicd_templates.functions.scan_gate.severity import cwe_numbers, normalised_severity


def read_npm_audit(value: Any) -> Report:
    """Return `npm audit --json` as a `Report`. A `Report` whose counts contradict its lists is marked as incomplete."""
    report = require_keys(value, "npm", "auditReportVersion", "vulnerabilities", "metadata")
    require_version(report["auditReportVersion"], "2", "auditReportVersion")
    packages = mapping(report["vulnerabilities"], "vulnerabilities")
    metadata = mapping(report["metadata"], "metadata")
    read, severities = Report(), []
    for name, content in packages.items():
        package = mapping(content, f"the vulnerability of {name}")
        severities.append(text(package.get("severity")))
        via = package.get("via")
        # A text is the name of another package in the list, which makes this package vulnerable.
        causes = [each for each in via if isinstance(each, str)] if isinstance(via, list) else []
        advisories = rows([each for each in via if each not in causes] if isinstance(via, list) else via, "via")
        read.findings += [_finding(name, package, advisory) for advisory in advisories]
        unlisted = [cause for cause in causes if cause not in packages]
        if unlisted or not (causes or advisories):
            read.mark_incomplete(f"the report lists no advisory for {unlisted[0] if unlisted else name}")
    stated = mapping(metadata.get("vulnerabilities"), "metadata.vulnerabilities")
    require_count(read, stated.get("total"), len(packages), "vulnerable packages")
    for severity in ("info", "low", "moderate", "high", "critical"):
        require_count(read, stated.get(severity), severities.count(severity), f"packages of severity {severity}")
    scanned = number(mapping(metadata.get("dependencies"), "metadata.dependencies").get("total"))
    if not scanned:
        read.mark_incomplete("no package was scanned")
    read.covered = f"{scanned} packages"
    return read


def _finding(name: str, package: dict[str, Any], advisory: dict[str, Any]) -> Finding:
    severity = word(advisory.get("severity"))
    fix = package.get("fixAvailable")
    # npm names a package only if the fix is another version of a direct dependency.
    named = f"{text(fix.get('name'))} {text(fix.get('version'))}" if isinstance(fix, dict) else "npm audit fix"
    return Finding(
        tool="npm-audit",
        id=text(advisory.get("url")).rpartition("/")[2] or f"npm-{text(advisory.get('source'))}",
        tool_severity=severity,
        severity=normalised_severity(severity),
        cwe=cwe_numbers(advisory.get("cwe")),
        title=text(advisory.get("title")),
        package=text(advisory.get("name")) or name,
        version=text(advisory.get("range")),
        fix=named if fix else "" if fix is False else None,
    )
