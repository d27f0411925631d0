"""Runs the pipeline's scan gate on a developer's machine. It reads a folder of scan reports, and decides whether a
release with these reports may continue.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from cicd_templates.errors import ConfigurationError
from cicd_templates.files.ordinary_files import read_ordinary
from cicd_templates.files.project_files import replace_file
from cicd_templates.functions.scan_gate.decide import Decision, decide
from cicd_templates.functions.scan_gate.exit_codes import check_run
from cicd_templates.functions.scan_gate.formats import read_report
from cicd_templates.functions.scan_gate.policy import POLICY, VERSION, Policy, agreed_policy, read_policy
from cicd_templates.functions.scan_gate.reading import ERROR, Finding, Report
from cicd_templates.functions.scan_gate.record import RECORD, add_record, record_problem
from cicd_templates.functions.scan_gate.waivers import written_fingerprint


@dataclass(frozen=True)
class WaiverCount:
    """The result of `waive`: the number of waivers that it wrote, and the ids of findings that cannot be waived."""

    written: int
    not_waivable: list[str]


SUFFIXES = ("json", "xml", "sarif")


@dataclass(frozen=True)
class ExpectedReport:
    """The expected report of a check: its format, and the tool that must have written it."""

    format: str
    tool: str = ""


@dataclass(frozen=True)
class Day:
    """The time of a gate decision, and two limits that the configuration sets for every scan policy.

    - A waiver may end at most `waiver_days` days after `now`.
    - If `refuse_weaker` is true, a scan policy must stop every release that the default policy would stop.
    """

    now: datetime
    waiver_days: int
    refuse_weaker: bool = False

    def judging(self, policy: Policy) -> Policy:
        """Return a copy of `policy` with the `waiver_days` and the `refuse_weaker` of this object."""
        return replace(policy, waiver_days=self.waiver_days, refuse_weaker=self.refuse_weaker)


def judge(
    folder: Path, checks: Mapping[str, ExpectedReport], policy: Path | None, source_version: str | None, day: Day
) -> Decision:
    """Return the gate's decision about the reports in `folder`. `checks` maps each check to its expected report.

    The report of a check is in one of these files:

    - `<check>/report.<json|xml|sarif>`, which a build writes together with the record `run.json`
    - `<check>.<json|xml|sarif>`

    A check without a report fails. If `policy` is None, the gate uses the copies of the policy that the builds stored
    beside the reports.

    Raises `ConfigurationError` if the folder does not exist or the policy cannot be read.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder}: no such folder; pass the folder with the reports")
    reports = {check: _report(folder, check, expected, source_version, day.now) for check, expected in checks.items()}
    formats = {check: expected.format for check, expected in checks.items()}
    agreed = load_policy(policy, formats) if policy else agreed_policy(_copies(folder, checks), formats)
    decision = decide(list(checks), reports, day.judging(agreed), day.now.date())
    versions = _source_versions(folder, checks)
    if len(versions) > 1:
        listed = "; ".join(f"{version} of {', '.join(names)}" for version, names in versions.items())
        decision.broken["reports"] = f"the reports belong to different source versions: {listed}"
    return decision


def _source_versions(folder: Path, checks: Collection[str]) -> dict[str, list[str]]:
    """Return a map from each source version to the names of the checks whose records state this version."""
    versions: dict[str, list[str]] = {}
    for check in checks:
        record = folder / check / RECORD
        if record.is_file():
            with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
                versions.setdefault(str(json.loads(record.read_bytes())["source_version"]), []).append(check)
    return versions


def waive(
    decision: Decision,
    path: Path,
    checks: Mapping[str, ExpectedReport],
    day: Day,
    *,
    expires: date,
    owner: str,
    reason: str,
) -> WaiverCount:
    """For each finding that stops the release, add a waiver to the policy at `path`. Create the file if needed.

    If a finding is in a file, its waiver contains the finding's fingerprint. So the waiver covers only one place in
    this file. A finding that names neither a package nor a file cannot be waived.

    Raises `ConfigurationError` and writes nothing if the new waivers would make the policy invalid.
    """
    blocking = [finding for judged in decision.findings if judged.blocks for finding in judged.alike]
    scoped = {_scope(finding): finding for finding in blocking}
    waivable = [finding for finding in scoped.values() if finding.package or finding.file]
    before = path.read_bytes().rstrip() if path.exists() else f"version = {VERSION}".encode()
    waivers = "\n".join(_waiver(finding, expires, owner, reason) for finding in waivable)
    after = (before + b"\n\n" if before else b"") + waivers.encode("utf-8", "replace")
    formats = {check: expected.format for check, expected in checks.items()}
    policy = day.judging(read_policy(after, formats)).on(day.now.date())
    if policy.problems:
        problems = "\n  ".join(policy.problems)
        raise ConfigurationError(f"{path}: no waiver was added, because the policy would not be valid\n  {problems}")
    if waivable:
        try:
            replace_file(path, after.decode("utf-8"))
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot be written: {error.strerror}") from None
    return WaiverCount(len(waivable), [finding.id for finding in blocking if not finding.package and not finding.file])


def _scope(finding: Finding) -> tuple[str, ...]:
    return (finding.id, finding.package) if finding.package else (finding.id, finding.file, finding.fingerprint)


def _waiver(finding: Finding, expires: date, owner: str, reason: str) -> str:
    place = {"path": finding.file, "fingerprint": written_fingerprint(finding.fingerprint)}
    scope = {"package": finding.package} if finding.package else place
    texts = {"id": finding.id, **scope, "reason": reason, "owner": owner}
    # A JSON string is also a valid TOML string, except that TOML requires the character U+007F to be escaped.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in texts.items()]
    return "\n".join(["[[waivers]]", *lines, f"expires = {expires.isoformat()}", ""]).replace("\x7f", "\\u007f")


def load_policy(path: Path, checks: Collection[str]) -> Policy:
    """Return the policy in the file `path`. Raises `ConfigurationError` with all its problems, one per line."""
    try:
        policy = read_policy(read_ordinary(path), checks)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    if policy.problems:
        raise ConfigurationError("\n  ".join([f"{path}: the policy is not valid", *policy.problems]))
    return policy


def _copies(folder: Path, checks: Collection[str]) -> dict[str, bytes | None]:
    """Return the copy of the scan policy for each check that has a `run.json`, or None if this check has no copy."""
    folders = {check: folder / check for check in checks if (folder / check / RECORD).is_file()}
    copies = {check: run / POLICY for check, run in folders.items()}
    return {check: path.read_bytes() if path.is_file() else None for check, path in copies.items()}


def _report(folder: Path, check: str, expected: ExpectedReport, source_version: str | None, now: datetime) -> Report:
    form = expected.format
    places = [
        path for suffix in SUFFIXES for path in (folder / check / f"report.{suffix}", folder / f"{check}.{suffix}")
    ]
    present = [place for place in places if place.is_file()]
    if len(present) > 1:
        names = " and ".join(str(place.relative_to(folder)) for place in present)
        return Report(status=ERROR, reason=f"the check has several reports, {names}; remove the reports of other runs")
    if not present:
        suffix = {"junit": "xml", "sarif": "sarif"}.get(form, "json")
        wrong = f"there is no {check}/report.{suffix} and no {check}.{suffix} in {folder}"
        return Report(status=ERROR, reason=wrong)
    (path,) = present
    record = path.parent / RECORD
    if path.parent == folder or not record.is_file():
        # On a developer's machine, a report needs no record beside it, unless a source version is required.
        if source_version:
            wrong = f"the report has no {RECORD} beside it, so the version of its source is unknown"
            return Report(status=ERROR, reason=wrong)
        return read_report(form, path.read_bytes(), expected.tool)
    wrong = record_problem(record.read_bytes(), check, form, source_version, now=now)
    if wrong:
        return Report(status=ERROR, reason=wrong)
    report = read_report(form, path.read_bytes(), expected.tool)
    check_run(record.read_bytes(), expected.tool or form, report)
    add_record(report, record.read_bytes())
    return report
