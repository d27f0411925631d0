"""The one way to read a report: what cannot be read is an error of its own, and never an exception."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from cicd_templates.functions.scan_gate.reading import ERROR, Finding, Report, UnusableError


def read_safely(reader: Callable[[bytes], Report], form: str, data: bytes) -> Report:
    """What `reader` makes of `data`. Whatever is wrong with it is the report's status and reason."""
    try:
        report = reader(data)
        _number_repeats([*report.findings, *report.suppressed])
        return report
    except UnusableError as error:
        return Report(status=ERROR, reason=str(error))
    except Exception as error:
        # A shape that nobody thought of must not let anything pass, and not end the gate either.
        return Report(status=ERROR, reason=f"the report is not as {form} is written: {type(error).__name__}: {error}")


def _number_repeats(findings: list[Finding]) -> None:
    """Give each finding a fingerprint of its own: the same line twice in a file is two findings."""
    seen: Counter[str] = Counter()
    for finding in findings:
        seen[finding.fingerprint] += 1
        if seen[finding.fingerprint] > 1:
            finding.fingerprint += f"-{seen[finding.fingerprint]}"
