"""Reads Semgrep's JSON. By default, Semgrep exits with 0 even if it has findings."""

from __future__ import annotations

from typing import Any

from cicd_templates.functions.scan_gate.reading import (
    Finding,
    Report,
    UnusableError,
    mapping,
    number,
    require_keys,
    rows,
    text,
    word,
)
from cicd_templates.functions.scan_gate.severity import cwe_numbers, normalised_severity

_SEMGREP = {"error": "high", "warning": "medium", "info": "low", "inventory": "info", "experiment": "info"}
# Reasons for which Semgrep skips a file that it was told to scan.
_FAILURES = (
    "analysis_failed_parser_or_internal_error",
    "exceeded_size_limit",
    "insufficient_permissions",
    "nonexistent_file",
    "too_big",
    "too_many_matches",
)


def read_semgrep(value: Any) -> Report:
    """Return the output of `semgrep --json` as a `Report`."""
    report = require_keys(value, "Semgrep", "results", "errors")
    results = rows(report["results"], "results")
    # Semgrep before 0.40 did not write its version.
    known = bool(results) and all("check_id" in row and "path" in row for row in results)
    if not known and (results or not isinstance(report.get("version"), str)):
        raise UnusableError(
            "Semgrep did not write this report: it has no version, or a result lacks its check_id or its path"
        )
    read = Report(tool_version=text(report.get("version")))
    for row in results:
        extra = mapping(row.get("extra"), "extra")
        severity = word(extra.get("severity"))
        read.add(
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
            ),
            extra.get("is_ignored"),
        )
    _check_coverage(report, bool(results), read)
    return read


def _check_coverage(report: dict[str, Any], found: bool, read: Report) -> None:
    errors = rows(report["errors"], "errors")
    if errors:
        read.mark_incomplete(f"{len(errors)} errors during the scan")
    paths = mapping(report.get("paths"), "paths")
    scanned = paths.get("scanned")
    if scanned == [] or not (found or isinstance(scanned, list)):
        read.mark_incomplete("paths.scanned lists no file, so nothing was scanned")
    failed = [row for row in rows(paths.get("skipped"), "paths.skipped") if row.get("reason") in _FAILURES]
    if failed:
        first = f"{text(failed[0].get('path'))}: {text(failed[0].get('reason'))}"
        read.mark_incomplete(f"{len(failed)} files were skipped; the first is {first}")
    rules = report.get("skipped_rules")
    if rules:
        read.mark_incomplete(f"{len(rules) if isinstance(rules, list) else 'some'} rules were skipped")
    read.covered = f"{len(scanned) if isinstance(scanned, list) else 'an unknown number of'} files"
