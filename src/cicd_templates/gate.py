"""The scan gate on a developer's machine: the same readers and the same decision, on a folder of reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from cicd_templates.errors import ConfigurationError
from cicd_templates.functions.scan_gate.decide import Decision, decide
from cicd_templates.functions.scan_gate.formats import read_report
from cicd_templates.functions.scan_gate.owasp import categories
from cicd_templates.functions.scan_gate.policy import Policy, PolicyError, read_policy
from cicd_templates.functions.scan_gate.reading import ERROR, Report

RECORD = "run.json"
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
    wrong = _wrong_record(path.parent / RECORD, check, form, source_version)
    return Report(status=ERROR, reason=wrong) if wrong else read_report(form, path.read_bytes())


def _wrong_record(path: Path, check: str, form: str, source_version: str | None) -> str:
    """What is wrong with the record of a run, which has to be of this check and of this source."""
    if not path.is_file():
        return f"there is no {RECORD} beside it, so nobody knows of which source it is" if source_version else ""
    try:
        record: Any = json.loads(path.read_bytes())
        found = {key: record[key] for key in ("check", "format", "source_version")}
    except (ValueError, KeyError, TypeError):
        return f"{RECORD} is no record of a run"
    expected = {"check": check, "format": form, "source_version": source_version or found["source_version"]}
    differing = [
        f"{key} {found[key]!r} instead of {expected[key]!r}" for key in expected if found[key] != expected[key]
    ]
    return f"{RECORD} is of {', '.join(differing)}" if differing else ""


def as_json(decision: Decision) -> dict[str, Any]:
    """The decision for machines: the verdict, what does not count, and every finding normalised."""
    return {
        "verdict": decision.verdict,
        "counts": {word: decision.count(word) for word in ("critical", "high", "medium", "low", "info", "unknown")},
        "broken": decision.broken,
        "findings": [
            {
                **asdict(each.finding),
                "severity": each.severity,
                "checks": each.checks,
                "blocks": each.blocks,
                "waived_until": str(each.waiver.expires) if each.waiver else None,
                "owasp": categories(each.finding.cwe, component=bool(each.finding.package)),
            }
            for each in decision.findings
        ],
        "unused_waivers": [each.id for each in decision.unused],
    }
