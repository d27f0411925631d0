"""The run record beside each report: which check ran on which source version, with which result."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

RECORD = "run.json"


def record_problem(data: bytes, check: str, form: str, source_version: str | None) -> str:
    """Return what is wrong with a run record, which must be of this check and of this source version, if known."""
    try:
        record: Any = json.loads(data)
        actual = {key: record[key] for key in ("check", "format", "source_version")}
        tool, exit_code = record["tool_version"], record["exit_code"]
        reversed_times = datetime.fromisoformat(record["finished"]) < datetime.fromisoformat(record["started"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"{RECORD} is not a valid run record"
    expected = {"check": check, "format": form, "source_version": source_version or actual["source_version"]}
    diffs = [f"{key} {actual[key]!r} instead of {value!r}" for key, value in expected.items() if actual[key] != value]
    if diffs:
        return f"{RECORD} has {', '.join(diffs)}"
    if not tool or not isinstance(exit_code, int) or exit_code in (126, 127):
        return f"{RECORD} shows that the tool could not be run (version {tool!r}, exit code {exit_code!r})"
    # A shell reports 128 + N for a command that signal N ended; Safety 1 exits 255 if it found something.
    if 128 < exit_code <= 128 + 64:
        return f"{RECORD} shows that signal {exit_code - 128} terminated the tool"
    return f"{RECORD} shows an end before the start of the run" if reversed_times else ""
