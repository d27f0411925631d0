"""Reader of detect-secrets' JSON. detect-secrets exits 0 whatever it finds."""

from __future__ import annotations

from typing import Any

from cicd_templates.functions.scan_gate.reading import Finding, Report, UnusableError, mapping, number, rows, text

# CWE-798: use of hard-coded credentials.
CWE = [798]


def read_detect_secrets(value: Any) -> Report:
    """Return the report of `detect-secrets scan`. It names a secret by type and hash, never by value."""
    report = mapping(value, "the report")
    if report.get("plugins_used") is None or report.get("results") is None:
        raise UnusableError("the report has no plugins_used or results, so detect-secrets did not write it")
    read = Report()
    for path, found in mapping(report["results"], "results").items():
        for row in rows(found, path):
            kind, line = text(row.get("type")), number(row.get("line_number"))
            title = f"{kind} in the source; revoke it, then remove it"
            mark = text(row.get("hashed_secret"))
            secret = Finding("detect-secrets", kind, None, "high", CWE, title=title, file=path, line=line, excerpt=mark)
            read.findings.append(secret)
    if not rows(report["plugins_used"], "plugins_used"):
        read.mark_incomplete("no detector was active, so nothing was scanned")
    return read
