"""Reads detect-secrets' JSON. detect-secrets exits with 0 even if it finds secrets."""

from __future__ import annotations

from typing import Any

from cicd_templates.functions.scan_gate.reading import (
    Finding,
    Report,
    mapping,
    number,
    require_keys,
    require_version,
    rows,
    text,
)

# CWE-798: use of hard-coded credentials.
CWE = [798]
# Filters that examine a candidate or the type of its file. Any other filter skips candidates from a list, which could
# hide secrets.
_KNOWN_FILTERS = (
    "detect_secrets.filters.heuristic.",
    "detect_secrets.filters.allowlist.is_line_allowlisted",
    "detect_secrets.filters.common.is_invalid_file",
    "detect_secrets.filters.common.is_ignored_due_to_verification_policies",
)
# The level of `--only-verified` is 3. With this option, detect-secrets omits every secret that its issuer did not
# confirm.
_UNVERIFIED = 2


def read_detect_secrets(value: Any) -> Report:
    """Return the output of `detect-secrets scan` as a `Report`.

    The output has the type and the hash of each secret, never its value.
    """
    report = require_keys(value, "detect-secrets", "version", "plugins_used", "results")
    require_version(report["version"], "1.x", "the version of detect-secrets")
    read = Report(tool_version=text(report["version"]))
    for path, found in mapping(report["results"], "results").items():
        for row in rows(found, path):
            kind, line = text(row.get("type")), number(row.get("line_number"))
            title = f"{kind} in the source; revoke it, then remove it"
            mark = text(row.get("hashed_secret"))
            secret = Finding("detect-secrets", kind, None, "high", CWE, title=title, file=path, line=line, excerpt=mark)
            read.findings.append(secret)
    detectors = rows(report["plugins_used"], "plugins_used")
    if not detectors:
        read.mark_incomplete("no detector was active, so nothing was scanned")
    for row in rows(report.get("filters_used"), "filters_used"):
        path = text(row.get("path"))
        if not path.startswith(_KNOWN_FILTERS) or number(row.get("min_level")) > _UNVERIFIED:
            left_out = f" ({text(row['pattern'])[:60]})" if row.get("pattern") else ""
            read.mark_incomplete(f"the filter {path}{left_out} hides secrets; scan without this filter")
    read.covered = f"{len(detectors)} detectors"
    return read
