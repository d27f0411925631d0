"""Read a report without raising: a problem becomes the report's status and reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from cicd_templates.functions.scan_gate.reading import ERROR, Finding, Report, UnusableError


def read_safely(reader: Callable[[bytes], Report], form: str, data: bytes) -> Report:
    """Return what `reader` reads from `data`, or a report with the status error."""
    try:
        report = reader(data)
        _number_repeats([*report.findings, *report.suppressed])
        return report
    except UnusableError as error:
        return Report(status=ERROR, reason=str(error))
    except Exception as error:
        # An unexpected structure must neither let a release pass nor crash the gate.
        return Report(status=ERROR, reason=f"the report is not valid {form}: {type(error).__name__}: {error}")


def _number_repeats(findings: list[Finding]) -> None:
    """Make fingerprints unique: the same line twice in a file is two findings."""
    seen: Counter[str] = Counter()
    for finding in findings:
        seen[finding.fingerprint] += 1
        if seen[finding.fingerprint] > 1:
            finding.fingerprint += f"-{seen[finding.fingerprint]}"
