"""Reads reports. An unusable report raises no error: it gets the status ERROR and a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from cicd_templates.functions.scan_gate.reading import ERROR, Finding, Report, UnusableError


def read_or_mark_unusable(reader: Callable[[bytes], Report], form: str, data: bytes, tool: str = "") -> Report:
    """Return the report that `reader` parses from `data`. If `data` is unusable, return a report with the status ERROR.

    If `tool` is given, a report of another tool is unusable.
    """
    try:
        report = reader(data)
        _number_repeats([*report.findings, *report.suppressed])
        problem = _writer_problem(report, form, tool)
        return Report(status=ERROR, reason=problem) if problem else report
    except UnusableError as error:
        return Report(status=ERROR, reason=str(error))
    except Exception as error:
        # An unexpected structure must not let a release pass, and must not crash the gate.
        return Report(status=ERROR, reason=f"the report is not valid {form}: {type(error).__name__}: {error}")


def _number_repeats(findings: list[Finding]) -> None:
    """Add a number to repeated fingerprints, so that findings in equal lines of a file get different fingerprints."""
    seen: Counter[str] = Counter()
    for finding in findings:
        seen[finding.fingerprint] += 1
        if seen[finding.fingerprint] > 1:
            finding.fingerprint += f"-{seen[finding.fingerprint]}"


def _writer_problem(report: Report, form: str, tool: str) -> str:
    """Return a problem if a tool other than `tool` wrote the report, otherwise an empty string.

    Only SARIF and CycloneDX reports are checked: many tools write these formats, and each report names its tool. JUnit
    reports name no tool. Each other format is written by only one tool.
    """
    if not tool or form not in ("sarif", "cyclonedx"):
        return ""
    if not report.writers:
        return f"the report does not name the tool that wrote it, but it must name the check's tool, {tool}"
    others = [name for name in report.writers if not _letters(name).startswith(_letters(tool))]
    # A CycloneDX document also names the libraries that helped to write it.
    mixed = form == "cyclonedx" and len(others) < len(report.writers)
    return "" if mixed or not others else f"{others[0]} wrote the report, but the check's tool is {tool}"


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
