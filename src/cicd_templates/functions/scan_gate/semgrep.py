"""Reader of Semgrep's JSON. Semgrep exits 0 whatever it finds, unless configured otherwise."""

from __future__ import annotations

from typing import Any

from cicd_templates.functions.scan_gate.reading import Finding, Report, UnusableError, mapping, number, rows, text, word
from cicd_templates.functions.scan_gate.severity import cwe_numbers, normalised_severity

_SEMGREP = {"error": "high", "warning": "medium", "info": "low", "inventory": "info", "experiment": "info"}


def read_semgrep(value: Any) -> Report:
    """Return the report of `semgrep --json`."""
    report = mapping(value, "the report")
    if report.get("results") is None or report.get("errors") is None:
        raise UnusableError("the report has no results or errors, so Semgrep did not write it")
    read = Report()
    for row in rows(report["results"], "results"):
        extra = mapping(row.get("extra"), "extra")
        severity = word(extra.get("severity"))
        read.findings.append(
            Finding(
                tool="semgrep",
                id=text(row.get("check_id")),
                tool_severity=severity,
                severity=_SEMGREP.get(text(severity).lower(), normalised_severity(severity)),
                cwe=cwe_numbers(mapping(extra.get("metadata"), "metadata").get("cwe")),
                title=text(extra.get("message")),
                file=text(row.get("path")),
                line=number(mapping(row.get("start"), "start").get("line")),
                excerpt=text(extra.get("lines")),
            )
        )
    errors = rows(report["errors"], "errors")
    if errors:
        read.mark_incomplete(f"{len(errors)} errors during the scan")
    return read
