"""One scale for the severities of all tools, and the weaknesses (CWE) that their words name."""

from __future__ import annotations

import re
from typing import Any

SCALE = ("critical", "high", "medium", "low", "info", "unknown")
_WORDS = {"moderate": "medium", "negligible": "info", "informational": "info", "none": "info", "note": "low"}
_CWE = re.compile(r"CWE[-_: ]?(\d+)", re.IGNORECASE)


def normalised(word: Any) -> str:
    """A tool's word on the scale; what is on no scale is `unknown`, which a policy counts as high."""
    lower = str(word).strip().lower() if isinstance(word, str) else ""
    return lower if lower in SCALE else _WORDS.get(lower, "unknown")


def weaknesses(*values: Any) -> list[int]:
    """The numbers of the CWEs that `values` name, sorted, each once."""
    found: set[int] = set()
    for value in values:
        if isinstance(value, int) and not isinstance(value, bool):
            found.add(value)
        elif isinstance(value, str):
            found.update(int(number[:9]) for number in _CWE.findall(value))
        elif isinstance(value, list):
            found.update(weaknesses(*value))
        elif isinstance(value, dict):
            found.update(weaknesses(*(value.get(key) for key in ("id", "cweId", "name"))))
    return sorted(found)
