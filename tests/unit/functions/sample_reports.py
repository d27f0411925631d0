"""Small reports of every tool, by the format of their reader: one that found nothing, and one that stops a release."""

from __future__ import annotations

import copy
import json
from typing import Any


def bandit(*rows: dict[str, Any], **metrics: Any) -> dict[str, Any]:
    counts = {f"SEVERITY.{word}": 0 for word in ("UNDEFINED", "LOW", "MEDIUM", "HIGH")}
    for row in rows:
        counts[f"SEVERITY.{row['issue_severity']}"] += 1
    totals = {"loc": 40, "nosec": 0, "skipped_tests": 0, **counts, **metrics}
    return {
        "errors": [],
        "generated_at": "2026-11-20T08:00:00Z",
        "metrics": {"_totals": totals, "app/ledger.py": totals},
        "results": list(rows),
    }


def bandit_row(test_id: str = "B324", severity: str = "HIGH", confidence: str = "HIGH") -> dict[str, Any]:
    return {
        "test_id": test_id,
        "issue_severity": severity,
        "issue_confidence": confidence,
        "issue_cwe": {"id": 327},
        "filename": "app/ledger.py",
        "line_number": 9,
    }


def sarif(*results: dict[str, Any], tool: str = "Gosec", rules: Any = (), **run: Any) -> dict[str, Any]:
    described = {"driver": {"name": tool, "rules": list(rules)}}
    return {"version": "2.1.0", "runs": [{"tool": described, "results": list(results), **run}]}


def safety_check(*vulnerabilities: dict[str, Any]) -> dict[str, Any]:
    return {
        "report_meta": {
            "packages_found": 2,
            "vulnerabilities_found": len(vulnerabilities),
            "vulnerabilities_ignored": 0,
            "safety_version": "3.2.4",
        },
        "scanned_packages": {"flask": {"name": "flask"}, "six": {"name": "six"}},
        "affected_packages": {row["package_name"]: {} for row in vulnerabilities},
        "vulnerabilities": list(vulnerabilities),
        "ignored_vulnerabilities": [],
    }


def safety_scan(*known: dict[str, Any]) -> dict[str, Any]:
    remediation = {"vulnerabilities_found": len(known)} if known else None
    vulnerabilities = {"known_vulnerabilities": list(known), "remediation": remediation}
    specification = {"raw": "flask==0.12", "vulnerabilities": vulnerabilities}
    dependencies = [{"name": "flask", "specifications": [specification]}]
    return {
        "meta": {"schema_version": "3.0", "telemetry": {"safety_version": "3.2.4"}},
        "scan_results": {"files": [], "projects": [{"files": [{"results": {"dependencies": dependencies}}]}]},
    }


def trivy(*vulnerabilities: dict[str, Any]) -> dict[str, Any]:
    result = {"Target": "go.mod", "Class": "lang-pkgs", "Type": "gomod", "Vulnerabilities": list(vulnerabilities)}
    return {"SchemaVersion": 2, "ArtifactName": ".", "Results": [result]}


def grype(*matches: dict[str, Any]) -> dict[str, Any]:
    return {"matches": list(matches), "descriptor": {"name": "grype", "version": "0.90.0"}, "source": {"type": "file"}}


def semgrep(*results: dict[str, Any]) -> dict[str, Any]:
    return {"version": "1.90.0", "results": list(results), "errors": [], "paths": {"scanned": ["app.js", "b.js"]}}


def cyclonedx(*vulnerabilities: dict[str, Any]) -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"tools": {"components": [{"type": "application", "name": "osv-scanner"}]}},
        "components": [
            {"bom-ref": "a", "name": "core", "group": "@angular", "version": "9.0.0", "purl": "pkg:npm/%40angular/core"}
        ],
        "vulnerabilities": list(vulnerabilities),
    }


def snyk(*vulnerabilities: dict[str, Any]) -> dict[str, Any]:
    return {
        "ok": not vulnerabilities,
        "dependencyCount": 12,
        "uniqueCount": len(vulnerabilities),
        "summary": f"{len(vulnerabilities)} vulnerable dependency paths"
        if vulnerabilities
        else "No known vulnerabilities",
        "vulnerabilities": list(vulnerabilities),
        "filtered": {"ignore": [], "patch": []},
    }


def pip_audit(*vulnerabilities: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": [{"name": "flask", "version": "0.5", "vulns": list(vulnerabilities)}], "fixes": []}


NPM_ADVISORY = {
    "source": 1096727,
    "name": "minimist",
    "dependency": "minimist",
    "title": "Prototype Pollution in minimist",
    "url": "https://github.com/advisories/GHSA-xvch-5gv4-984h",
    "severity": "critical",
    "cwe": ["CWE-1321"],
    "cvss": {"score": 9.8, "vectorString": None},
    "range": "<1.2.6",
}


def npm_audit(**packages: Any) -> dict[str, Any]:
    """Return the output of npm for packages by name, each with the advisories and names in its `via`."""
    vulnerabilities = {
        name: {"name": name, "severity": "critical", "isDirect": True, "via": via, "fixAvailable": True}
        for name, via in packages.items()
    }
    counts = {**dict.fromkeys(("info", "low", "moderate", "high"), 0), "critical": len(packages)}
    dependencies = {"prod": 3, "dev": 0, "optional": 0, "peer": 0, "peerOptional": 0, "total": 2}
    return {
        "auditReportVersion": 2,
        "vulnerabilities": vulnerabilities,
        "metadata": {"vulnerabilities": {**counts, "total": len(packages)}, "dependencies": dependencies},
    }


def detect_secrets(results: Any = None, *filters: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "1.5.0",
        "plugins_used": [{"name": "AWSKeyDetector"}, {"name": "JwtTokenDetector"}],
        "filters_used": [{"path": "detect_secrets.filters.heuristic.is_potential_uuid"}, *filters],
        "results": results or {},
    }


SECRET = {"pay.env": [{"type": "JSON Web Token", "hashed_secret": "0f", "line_number": 2}]}
ERROR = {"ruleId": "G401", "level": "error", "message": {"text": "weak hash"}}

# By a name whose first word is the format of the reader. A CycloneDX document without findings is no scan.
CLEAN: dict[str, Any] = {
    "bandit": bandit(),
    "detect-secrets": detect_secrets(),
    "grype": grype(),
    "junit": '<testsuite tests="2" failures="0"><testcase name="a"/><testcase name="b"/></testsuite>',
    "junit of pytest": '<testsuites name="pytest tests"><testsuite name="pytest" errors="0" failures="0" skipped="0"'
    ' tests="1"><testcase classname="t" name="a"/></testsuite></testsuites>',
    "npm-audit": npm_audit(),
    "pip-audit": pip_audit(),
    "pip-audit, the old list": pip_audit()["dependencies"],
    "safety check": safety_check(),
    "safety scan": safety_scan(),
    "sarif": sarif(),
    "semgrep": semgrep(),
    "snyk": snyk(),
    "snyk of several projects": [snyk(), snyk()],
    "snyk of infrastructure": {"ok": True, "dependencyCount": 0, "infrastructureAsCodeIssues": []},
    "trivy": trivy(),
    "trivy, the old list": [{"Target": "alpine", "Type": "alpine", "Vulnerabilities": None}],
    "trivy of a cluster": {"ClusterName": "c", "Resources": [{"Name": "pod", "Results": trivy()["Results"]}]},
}
STOPPING: dict[str, Any] = {
    "bandit": bandit(bandit_row()),
    "cyclonedx": cyclonedx({"id": "CVE-2", "ratings": [{"severity": "high"}], "affects": [{"ref": "a"}]}),
    "detect-secrets": detect_secrets(SECRET),
    "grype": grype({"vulnerability": {"id": "CVE-2", "severity": "High"}, "artifact": {"name": "p", "version": "1"}}),
    "junit": '<testsuite tests="1" failures="1"><testcase name="b"><failure/></testcase></testsuite>',
    "npm-audit": npm_audit(minimist=[NPM_ADVISORY]),
    "pip-audit": pip_audit({"id": "PYSEC-2", "fix_versions": []}),
    "pip-audit, the old list": pip_audit({"id": "PYSEC-2", "fix_versions": []})["dependencies"],
    "safety 1": [["flask", "<1", "0.12", "bad", "36388"]],
    "safety check": safety_check({"vulnerability_id": "7", "package_name": "flask", "ignored": False}),
    "safety scan": safety_scan({"id": "7", "ignored": None}),
    "sarif": sarif(ERROR),
    "semgrep": semgrep({"check_id": "r", "path": "app.js", "extra": {"severity": "ERROR"}}),
    "snyk": snyk({"id": "S2", "severity": "high", "packageName": "p", "version": "1"}),
    "trivy": trivy({"VulnerabilityID": "CVE-2", "PkgName": "p", "Severity": "HIGH"}),
    "trivy, the old list": [{"Target": "a", "Vulnerabilities": [{"VulnerabilityID": "CVE-2", "Severity": "HIGH"}]}],
}


def format_of_sample(name: str) -> str:
    return name.split()[0].rstrip(",")


def as_bytes(report: Any) -> bytes:
    return (
        report
        if isinstance(report, bytes)
        else report.encode()
        if isinstance(report, str)
        else json.dumps(report).encode()
    )


def without(report: Any, *path: Any) -> Any:
    """Return a copy of `report` without what is at `path`."""
    changed = copy.deepcopy(report)
    place = changed
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return changed


def replaced(report: Any, value: Any, *path: Any) -> Any:
    """Return a copy of `report` with `value` at `path`."""
    changed = copy.deepcopy(report)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed
