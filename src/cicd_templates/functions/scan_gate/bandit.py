"""Reads Bandit's JSON. Bandit knows no critical severity. It exits with 0 even if it could not parse any file."""

from __future__ import annotations

from typing import Any

from cicd_templates.functions.scan_gate.bandit_metrics import check_metrics
from cicd_templates.functions.scan_gate.reading import Finding, Report, number, require_keys, rows, text, word
from cicd_templates.functions.scan_gate.severity import normalised_severity


def read_bandit(value: Any) -> Report:
    """Return the output of `bandit --format json` as a `Report`."""
    report = require_keys(value, "Bandit", "results", "errors", "metrics")
    read = Report([_bandit_finding(row) for row in rows(report["results"], "results")])
    errors = rows(report["errors"], "errors")
    if errors:
        read.mark_incomplete(f"{len(errors)} files were not scanned; the first is {text(errors[0].get('filename'))}")
    check_metrics(report["metrics"], (finding.tool_severity for finding in read.findings), read)
    return read


def _bandit_finding(row: dict[str, Any]) -> Finding:
    severity = normalised_severity(row.get("issue_severity"))
    if text(row.get("issue_confidence")).upper() == "LOW":
        # A finding of low confidence counts one severity lower.
        severity = {"high": "medium", "medium": "low"}.get(severity, severity)
    weakness = row.get("issue_cwe") or {}
    line = number(row.get("line_number"))
    # Bandit's excerpt has the neighbouring lines as well, each after its line number.
    numbered = (each.partition(" ") for each in text(row.get("code")).splitlines())
    return Finding(
        tool="bandit",
        id=text(row.get("test_id")),
        tool_severity=word(row.get("issue_severity")),
        severity=severity,
        cwe=[number(weakness["id"])] if isinstance(weakness, dict) and weakness.get("id") else [],
        title=text(row.get("issue_text")),
        file=text(row.get("filename")),
        line=line,
        excerpt=next((code for of, _, code in numbered if of == str(line)), ""),
    )
