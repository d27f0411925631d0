"""The severity scale for all tools, and functions that read severities, scores and CWE numbers."""

from __future__ import annotations

import re
from typing import Any

SCALE = ("critical", "high", "medium", "low", "info", "unknown")
_WORDS = {"moderate": "medium", "negligible": "info", "informational": "info", "none": "info", "note": "low"}
_CWE = re.compile(r"CWE[-_: ]?(\d+)", re.IGNORECASE)


def normalised_severity(word: Any) -> str:
    """Convert a tool's word for a severity to a word of SCALE. An unfamiliar word becomes `unknown`."""
    lower = str(word).strip().lower() if isinstance(word, str) else ""
    return lower if lower in SCALE else _WORDS.get(lower, "unknown")


def by_score(score: float) -> str:
    """Return the severity of a CVSS score: critical from 9, high from 7, medium from 4. NaN is unknown."""
    for least, severity in ((9.0, "critical"), (7.0, "high"), (4.0, "medium")):
        if score >= least:
            return severity
    return "low" if score > 0 else "info" if score == 0 else "unknown"


def score_of(value: Any) -> float | None:
    """Return a score as a float. `value` is the score as a number or text. Return None if it is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def cwe_numbers(*values: Any) -> list[int]:
    """Return the CWE numbers in `values`, sorted and unique."""
    numbers: set[int] = set()
    for value in values:
        if isinstance(value, int) and not isinstance(value, bool):
            numbers.add(value)
        elif isinstance(value, str):
            numbers.update(int(number[:9]) for number in _CWE.findall(value))
        elif isinstance(value, list):
            numbers.update(cwe_numbers(*value))
        elif isinstance(value, dict):
            numbers.update(cwe_numbers(*(value.get(key) for key in ("id", "cweId", "name"))))
    return sorted(numbers)
