"""Defines the exit codes with which each tool says that its run did not finish, or that it has findings.

The exit code 0 proves nothing, because most tools exit with 0 even if they have findings.
"""

from __future__ import annotations

import json

from cicd_templates.functions.scan_gate.reading import Report
from cicd_templates.functions.scan_gate.record import RECORD

# Exit codes of a tool that did not finish, each with its meaning.
_UNFINISHED = {
    "bandit": {2: "it was called with wrong options"},
    "detect-secrets": {1: "it failed", 2: "it was called with wrong options"},
    "eslint": {2: "its configuration is wrong or it crashed"},
    "osv-scanner": {128: "it found no packages"},
    "pip-audit": {2: "it was called with wrong options"},
    "pytest": {
        2: "the run was interrupted",
        3: "pytest had an internal error",
        4: "it was called with wrong options",
        5: "no test was collected",
    },
    "safety": {
        1: "it failed",
        65: "its key is not valid",
        66: "it sent too many requests",
        67: "the tool could not load the vulnerability database",
        68: "the tool could not fetch the vulnerability database",
        69: "the vulnerability database is damaged",
        70: "the report given to it is not valid",
        71: "a requirement is not valid",
        72: "the account is not verified",
    },
    "semgrep": dict.fromkeys((2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14), "it failed"),
    "snyk": {2: "it failed", 3: "it found no supported project"},
}


def check_run(data: bytes, tool: str, report: Report) -> None:
    """Mark `report` as incomplete if `data`, a valid run record, contradicts it in one of these ways:

    - The exit code means that the tool failed.
    - The exit code is not 0, but the report has no finding.
    - The record and the report name different versions of the tool.
    """
    record = json.loads(data)
    code, version = record["exit_code"], record["tool_version"]
    names = {tool, version.split()[0].lower().rstrip(",")}
    meanings = [codes[code] for name, codes in _UNFINISHED.items() if name in names and code in codes]
    if meanings:
        report.mark_incomplete(f"{RECORD} has the exit code {code}: {meanings[0]}")
    elif code and not report.findings and not report.suppressed:
        report.mark_incomplete(f"{RECORD} has the exit code {code}, but the report has no finding")
    if report.tool_version and report.tool_version not in version:
        report.mark_incomplete(f"the report names the tool's version {report.tool_version}, but {RECORD} has {version}")
