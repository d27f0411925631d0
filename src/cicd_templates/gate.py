"""The scan gate on a developer's machine: the same readers and the same decision, on a folder of reports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from cicd_templates.errors import ConfigurationError
from cicd_templates.functions.scan_gate.decide import Decision, decide
from cicd_templates.functions.scan_gate.formats import read_report
from cicd_templates.functions.scan_gate.policy import Policy, PolicyError, read_policy
from cicd_templates.functions.scan_gate.reading import ERROR, Report
from cicd_templates.functions.scan_gate.record import RECORD, wrong_record

SUFFIXES = ("json", "xml", "sarif")


def judge(
    folder: Path, checks: Mapping[str, str], policy: Path | None, source_version: str | None, today: date
) -> Decision:
    """Judge the reports in `folder` of `checks`, each with its format.

    A report is `<check>/report.<json|xml|sarif>`, as a build hands it on with its record `run.json`, or
    `<check>.<json|xml|sarif>`. Raises `ConfigurationError` where there is no such folder or policy.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder}: no such folder; name the one with the reports")
    reports = {}
    for check, form in checks.items():
        report = _report(folder, check, form, source_version)
        if report is not None:
            reports[check] = report
    return decide(list(checks), reports, _policy(policy), today)


def _policy(path: Path | None) -> Policy:
    if path is None:
        return Policy()
    try:
        return read_policy(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    except PolicyError as error:
        raise ConfigurationError(
            "\n  ".join([f"{path}: the policy cannot be meant", *str(error).split("\n")])
        ) from None


def _report(folder: Path, check: str, form: str, source_version: str | None) -> Report | None:
    places = [
        path for suffix in SUFFIXES for path in (folder / check / f"report.{suffix}", folder / f"{check}.{suffix}")
    ]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        return None
    record = path.parent / RECORD
    if record.is_file():
        wrong = wrong_record(record.read_bytes(), check, form, source_version)
    else:
        # On a developer's machine a report may lie alone, unless its source is asked for.
        wrong = f"there is no {RECORD} beside it, so nobody knows of which source it is" if source_version else ""
    return Report(status=ERROR, reason=wrong) if wrong else read_report(form, path.read_bytes())
