"""Semgrep's JSON. It exits 0 unless it is told otherwise."""

from __future__ import annotations

from typing import Any

from cicd_templates.functions.scan_gate.reading import Finding, Report, UnusableError, mapping, number, rows, text, word
from cicd_templates.functions.scan_gate.severity import normalised, weaknesses

_SEMGREP = {"error": "high", "warning": "medium", "info": "low", "inventory": "info", "experiment": "info"}


def read_semgrep(value: Any) -> Report:
    """The report of Semgrep."""
    report = mapping(value, "the report")
    if report.get("results") is None or report.get("errors") is None:
        raise UnusableError("the report has no results and errors, so Semgrep did not write it")
    read = Report()
    for row in rows(report["results"], "results"):
        extra = mapping(row.get("extra"), "extra")
        severity = word(extra.get("severity"))
        read.findings.append(
            Finding(
                tool="semgrep",
                id=text(row.get("check_id")),
                tool_severity=severity,
                severity=_SEMGREP.get(text(severity).lower(), normalised(severity)),
                cwe=weaknesses(mapping(extra.get("metadata"), "metadata").get("cwe")),
                title=text(extra.get("message")),
                file=text(row.get("path")),
                line=number(mapping(row.get("start"), "start").get("line")),
                excerpt=text(extra.get("lines")),
            )
        )
    errors = rows(report["errors"], "errors")
    if errors:
        read.lacks(f"{len(errors)} errors while scanning")
    return read
