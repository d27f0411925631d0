"""Checks Bandit's metrics: the key `metrics` in its JSON report, or in the properties of a run in its SARIF report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from cicd_templates.functions.scan_gate.reading import Report, mapping, number

_SEVERITY_WORDS = ("HIGH", "MEDIUM", "LOW", "UNDEFINED")


def check_metrics(value: Any, severities: Iterable[object], read: Report) -> None:
    """Mark a report as incomplete if Bandit scanned no code, or did not list every finding that it counted.

    `severities` has Bandit's severity of each listed finding. A baseline, a minimum level and `# nosec` make Bandit
    leave findings out of the list.
    """
    metrics = {name: mapping(counts, name) for name, counts in mapping(value, "metrics").items()}
    totals = metrics.pop("_totals", {})
    lines = number(totals.get("loc"))
    if lines <= 0:
        read.mark_incomplete("no line of code was scanned")
    listed = Counter(map(str, severities))
    for word in _SEVERITY_WORDS:
        key = f"SEVERITY.{word}"
        counted = max(number(totals.get(key)), sum(number(file.get(key)) for file in metrics.values()))
        known = key in totals or any(key in file for file in metrics.values())
        if known and counted != listed[word]:
            problem = f"Bandit counted {counted} findings of severity {word} but lists {listed[word]}"
            read.mark_incomplete(f"{problem}; run Bandit without a baseline, and without -l and -i")
    hidden = sum(max(0, number(totals.get(key))) for key in ("nosec", "skipped_tests"))
    if hidden:
        read.mark_incomplete(f"{hidden} findings are hidden by `# nosec`; run Bandit with --ignore-nosec")
    read.covered = f"{len(metrics)} files with {lines} lines"
