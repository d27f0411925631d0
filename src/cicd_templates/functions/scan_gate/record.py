"""The record beside each report: which check ran, on which source. A report of another source is no report."""

from __future__ import annotations

import json
from typing import Any

RECORD = "run.json"


def wrong_record(data: bytes, check: str, form: str, source_version: str | None) -> str:
    """What is wrong with the record of a run, which has to be of this check and, where it is known, of this source."""
    try:
        record: Any = json.loads(data)
        found = {key: record[key] for key in ("check", "format", "source_version")}
    except (ValueError, KeyError, TypeError):
        return f"{RECORD} is no record of a run"
    expected = {"check": check, "format": form, "source_version": source_version or found["source_version"]}
    differing = [f"{key} {found[key]!r} instead of {value!r}" for key, value in expected.items() if found[key] != value]
    return f"{RECORD} is of {', '.join(differing)}" if differing else ""
