"""The record beside each report: which check ran on which source, and how. A report of another run is no report."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

RECORD = "run.json"


def wrong_record(data: bytes, check: str, form: str, source_version: str | None) -> str:
    """What is wrong with the record of a run, which has to be of this check and, where it is known, of this source."""
    try:
        record: Any = json.loads(data)
        found = {key: record[key] for key in ("check", "format", "source_version")}
        tool, code = record["tool_version"], record["exit_code"]
        backwards = datetime.fromisoformat(record["finished"]) < datetime.fromisoformat(record["started"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"{RECORD} is no record of a run"
    expected = {"check": check, "format": form, "source_version": source_version or found["source_version"]}
    differing = [f"{key} {found[key]!r} instead of {value!r}" for key, value in expected.items() if found[key] != value]
    if differing:
        return f"{RECORD} is of {', '.join(differing)}"
    if not tool or not isinstance(code, int) or code in (126, 127):
        return f"{RECORD} says that the tool could not be run (version {tool!r}, exit code {code!r})"
    # What a shell says of a command that a signal ended; 255 is how Safety 1 says that it found something.
    if 128 < code <= 128 + 64:
        return f"{RECORD} says that signal {code - 128} ended the tool"
    return f"{RECORD} says that the run ended before it began" if backwards else ""
