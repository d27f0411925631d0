"""The severity scale of all tools, and the CWE numbers in their values."""

from __future__ import annotations

import re
from typing import Any

SCALE = ("critical", "high", "medium", "low", "info", "unknown")
_WORDS = {"moderate": "medium", "negligible": "info", "informational": "info", "none": "info", "note": "low"}
_CWE = re.compile(r"CWE[-_: ]?(\d+)", re.IGNORECASE)


def normalised_severity(word: Any) -> str:
    """Return a tool's severity on the scale; `unknown`, which a policy counts as high, if it is not on it."""
    lower = str(word).strip().lower() if isinstance(word, str) else ""
    return lower if lower in SCALE else _WORDS.get(lower, "unknown")


def by_score(score: float) -> str:
    """Return the severity of a CVSS score: 9 critical, 7 high, 4 medium. NaN is unknown."""
    for least, severity in ((9.0, "critical"), (7.0, "high"), (4.0, "medium")):
        if score >= least:
            return severity
    return "low" if score > 0 else "info" if score == 0 else "unknown"


def score_of(value: Any) -> float | None:
    """Return a score, which may be written as text; None if it is no number."""
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
