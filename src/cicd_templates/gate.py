"""The scan gate on a developer's machine: the same readers and the same decision, on a folder of reports."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cicd_templates.errors import ConfigurationError
from cicd_templates.functions.scan_gate.decide import Decision, decide
from cicd_templates.functions.scan_gate.formats import read_report
from cicd_templates.functions.scan_gate.policy import POLICY, Policy, agreed_policy, read_policy
from cicd_templates.functions.scan_gate.reading import ERROR, Finding, Report
from cicd_templates.functions.scan_gate.record import RECORD, wrong_record


@dataclass(frozen=True)
class Waived:
    """How many waivers were written, and the ids of findings for which none can be."""

    written: int
    left: list[str]


SUFFIXES = ("json", "xml", "sarif")


def judge(
    folder: Path, checks: Mapping[str, str], policy: Path | None, source_version: str | None, today: date
) -> Decision:
    """Judge the reports in `folder` of `checks`, each with its format.

    A report is `<check>/report.<json|xml|sarif>`, as a build hands it on with its record `run.json`, or
    `<check>.<json|xml|sarif>`; one that is missing does not count, and is named by where it was looked for. Without a
    `policy` the copies count that builds hand on beside their reports. Raises `ConfigurationError` where there is no
    such folder, or where a `policy` cannot be read.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder}: no such folder; name the one with the reports")
    reports = {check: _report(folder, check, form, source_version) for check, form in checks.items()}
    agreed = policy_of(policy, checks) if policy else agreed_policy(_copies(folder, checks), checks)
    return decide(list(checks), reports, agreed, today)


def waive(decision: Decision, path: Path, checks: Collection[str], expires: date, owner: str, reason: str) -> Waived:
    """Append a waiver for each finding that stops the release to the policy at `path`, which is made where it is not.

    A finding in a file is accepted at its place alone, by its fingerprint: one more of its kind stops a release. What
    names neither package nor file cannot be waived. Raises `ConfigurationError`, and writes nothing, where the policy
    could not be read afterwards.
    """
    blocking = [finding for judged in decision.findings if judged.blocks for finding in judged.alike]
    scoped = {_scope(each): each for each in blocking}
    waivable = [each for each in scoped.values() if each.package or each.file]
    before = path.read_bytes().rstrip() if path.exists() else b""
    told = "\n".join(_waiver(each, expires, owner, reason) for each in waivable)
    after = (before + b"\n\n" if before else b"") + told.encode("utf-8", "replace")
    policy = read_policy(after, checks)
    if policy.problems:
        listed = "\n  ".join(policy.problems)
        raise ConfigurationError(f"{path}: nothing was added, the policy cannot be meant\n  {listed}")
    if waivable:
        beside = path.with_name(f".{path.name}.new")
        try:
            beside.write_bytes(after)
            beside.replace(path)
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot be written: {error.strerror}") from None
    return Waived(len(waivable), [each.id for each in blocking if not each.package and not each.file])


def _scope(finding: Finding) -> tuple[str, ...]:
    return (finding.id, finding.package) if finding.package else (finding.id, finding.file, finding.fingerprint)


def _waiver(finding: Finding, expires: date, owner: str, reason: str) -> str:
    place = {"path": finding.file, "fingerprint": finding.fingerprint}
    scope = {"package": finding.package} if finding.package else place
    texts = {"id": finding.id, **scope, "reason": reason, "owner": owner}
    # A string of JSON is one of TOML, but for one character that TOML wants escaped as well.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in texts.items()]
    return "\n".join(["[[waivers]]", *lines, f"expires = {expires.isoformat()}", ""]).replace("\x7f", "\\u007f")


def policy_of(path: Path, checks: Collection[str]) -> Policy:
    """The policy in a file. Raises `ConfigurationError` with all its problems, a line each."""
    try:
        policy = read_policy(path.read_bytes(), checks)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    if policy.problems:
        raise ConfigurationError("\n  ".join([f"{path}: the policy cannot be meant", *policy.problems]))
    return policy


def _copies(folder: Path, checks: Collection[str]) -> dict[str, bytes | None]:
    """The policies beside the records of runs; a report that lies alone says nothing of a policy."""
    folders = {check: folder / check for check in checks if (folder / check / RECORD).is_file()}
    copies = {check: each / POLICY for check, each in folders.items()}
    return {check: path.read_bytes() if path.is_file() else None for check, path in copies.items()}


def _report(folder: Path, check: str, form: str, source_version: str | None) -> Report:
    places = [
        path for suffix in SUFFIXES for path in (folder / check / f"report.{suffix}", folder / f"{check}.{suffix}")
    ]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        suffix = {"junit": "xml", "sarif": "sarif"}.get(form, "json")
        wrong = f"there is no {check}/report.{suffix} and no {check}.{suffix} in {folder}"
        return Report(status=ERROR, reason=wrong)
    record = path.parent / RECORD
    if record.is_file():
        wrong = wrong_record(record.read_bytes(), check, form, source_version)
    else:
        # On a developer's machine a report may lie alone, unless its source is asked for.
        wrong = f"there is no {RECORD} beside it, so nobody knows of which source it is" if source_version else ""
    return Report(status=ERROR, reason=wrong) if wrong else read_report(form, path.read_bytes())
