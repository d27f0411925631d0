"""Checks the run records beside reports: which check ran on which source, how it ended, and what it did not read."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

from cicd_templates.functions.scan_gate.reading import Report

RECORD = "run.json"
# A report is limited to the vulnerabilities that were known when its tool ran. New vulnerabilities become known every
# day.
MAX_AGE = timedelta(days=7)
CLOCK_SKEW = timedelta(hours=1)
_DIGEST = re.compile(r"[0-9a-f]{64}")


def record_problem(
    data: bytes,
    check: str,
    form: str,
    source_version: str | None,
    *,
    execution: str | None = None,
    now: datetime | None = None,
) -> str:
    """Return what is wrong with a check's run record, or an empty string. `data` is the run record in JSON.

    The record must name the same check, format, source version and pipeline execution as the arguments. If `now` is
    given, the run must have ended at most MAX_AGE before `now`.
    """
    try:
        record: Any = json.loads(data)
        actual = {key: record[key] for key in ("check", "format", "source_version")}
        tool, exit_code = record["tool_version"], record["exit_code"]
        incomplete = _source_problem(record["source_digest"], record["not_read"])
        started, finished = datetime.fromisoformat(record["started"]), datetime.fromisoformat(record["finished"])
        reversed_times = finished < started
        age = now - finished if now else timedelta(0)
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"{RECORD} is not a valid run record"
    expected = {"check": check, "format": form, "source_version": source_version or actual["source_version"]}
    if execution:
        actual["execution"], expected["execution"] = record.get("execution"), execution
    diffs = [f"{key} {actual[key]!r} instead of {value!r}" for key, value in expected.items() if actual[key] != value]
    if diffs:
        return f"{RECORD} has {', '.join(diffs)}"
    is_code = isinstance(exit_code, int) and not isinstance(exit_code, bool) and exit_code <= 255
    if not _is_version(tool) or not is_code or exit_code in (126, 127):
        return f"{RECORD} shows that the tool could not be run (version {tool!r}, exit code {exit_code!r})"
    # For signal N a shell reports 128 + N, and Python -N. Safety 1 exits 255 if it found something.
    signal = -exit_code if exit_code < 0 else exit_code - 128
    if 0 < signal <= 64:
        return f"{RECORD} shows that signal {signal} terminated the tool"
    if exit_code == 124 or exit_code < 0:
        return f"{RECORD} shows that the tool was stopped before its end (exit code {exit_code})"
    if reversed_times or incomplete:
        return incomplete or f"{RECORD} has an end time before its start time"
    if age > MAX_AGE or age < -CLOCK_SKEW:
        return f"{RECORD} is from {finished:%Y-%m-%d %H:%M}, but a report is valid for only {MAX_AGE.days} days"
    return ""


def _source_problem(digest: object, not_read: object) -> str:
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        return f"{RECORD} has no digest of the source, so it is unknown which source was checked"
    if not isinstance(not_read, list) or not all(isinstance(each, str) for each in not_read):
        return f"{RECORD} has no valid list in not_read, so it is unknown whether the check read everything"
    return ""


def _is_version(text: object) -> bool:
    return isinstance(text, str) and any(letter.isdigit() for letter in text)


def add_record(report: Report, data: bytes) -> None:
    """Copy the source digest of a check's run record to the check's report. `data` is the record, which must be valid.

    If the record says that the check did not read all files, mark the report as incomplete.
    """
    record = json.loads(data)
    report.source_digest = record["source_digest"]
    if record["not_read"]:
        report.mark_incomplete(f"the check did not read {'; '.join(record['not_read'])}")
