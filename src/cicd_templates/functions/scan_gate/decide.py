"""Decide from reports, a policy and the date whether a release may continue. Performs no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from cicd_templates.functions.scan_gate.policy import POLICY, Policy, Waiver
from cicd_templates.functions.scan_gate.reading import OK, Finding, Report
from cicd_templates.functions.scan_gate.severity import SCALE

PASS, FAIL = "PASS", "FAIL"


@dataclass
class JudgedFinding:
    """One vulnerability, reported by one or more `checks`; the first of `alike` stands for all, at the worst severity.

    It blocks unless each has a waiver: `waiver` is the one that expires first, and `expired` one that has expired.
    """

    alike: list[Finding]
    checks: list[str]
    severity: str
    blocks: bool
    waiver: Waiver | None
    expired: Waiver | None


@dataclass
class Decision:
    """The judged findings, and in `broken` the reason for each unusable report, which fails the release."""

    findings: list[JudgedFinding] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    unused_waivers: list[Waiver] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """Return `PASS` if every report is usable and no finding blocks, otherwise `FAIL`."""
        return FAIL if self.broken or any(each.blocks for each in self.findings) else PASS

    def count(self, severity: str) -> int:
        """Return the number of findings of a severity without a waiver."""
        return sum(each.severity == severity and each.waiver is None for each in self.findings)


def decide(expected: list[str], reports: Mapping[str, Report], policy: Policy, today: date) -> Decision:
    """Judge the reports of the `expected` checks. A missing report fails the release; no waiver can cover it."""
    decision = Decision()
    if policy.problems:
        decision.broken[POLICY] = "; ".join(policy.problems)
    findings_by_check: list[tuple[str, Finding]] = []
    for check in expected:
        report = reports.get(check, Report(status="missing"))
        if report.status != OK:
            decision.broken[check] = f"its report is {report.status}: {report.reason}".removesuffix(": ")
        findings_by_check += [(check, finding) for finding in (*report.findings, *report.suppressed)]
    used: set[int] = set()
    decision.findings = [_judge(alike, policy, today, used) for alike in _group_by_identity(findings_by_check)]
    decision.findings.sort(key=lambda each: (not each.blocks, SCALE.index(each.severity), each.alike[0].id))
    decision.unused_waivers = [waiver for number, waiver in enumerate(policy.waivers) if number not in used]
    return decision


def _identities(check: str, finding: Finding) -> list[tuple[str, str]]:
    """Return what identifies a finding across tools: each id with its package, or the check and fingerprint."""
    if not finding.package:
        return [(check, finding.fingerprint)]
    package = finding.package.lower().replace("_", "-")
    return [(name.upper(), package) for name in (finding.id, *finding.aliases)]


def _group_by_identity(findings_by_check: list[tuple[str, Finding]]) -> list[list[tuple[str, Finding]]]:
    """Return the findings in groups that share an identity, directly or through other findings, in their order."""
    leaders: dict[tuple[str, str], tuple[str, str]] = {}

    def find_leader(name: tuple[str, str]) -> tuple[str, str]:
        while leaders.setdefault(name, name) != name:
            leaders[name] = name = leaders[leaders[name]]
        return name

    named = [(_identities(*each), each) for each in findings_by_check]
    for names, _ in named:
        for name in names:
            leaders[find_leader(name)] = find_leader(names[0])
    groups: dict[tuple[str, str], list[tuple[str, Finding]]] = {}
    for names, each in named:
        groups.setdefault(find_leader(names[0]), []).append(each)
    return list(groups.values())


def _judge(alike: list[tuple[str, Finding]], policy: Policy, today: date, used: set[int]) -> JudgedFinding:
    finding, rank = alike[0][1], SCALE.index
    severities = [_promoted_severity(each, policy) for _, each in alike]
    effective = [policy.unknown if each == "unknown" else each for each in severities]
    known_fixes = [each.fix for _, each in alike if each.fix is not None]
    fix = next((each for each in known_fixes if each), "" if known_fixes else None)
    thresholds = [policy.thresholds.get(check, "high") for check, _ in alike]
    blocks = any(rank(one) <= rank(other) for one, other in zip(effective, thresholds, strict=True))
    tolerated = fix == "" and not any(rank(each) <= rank(policy.unfixed) for each in effective)
    covering = [_matching_waivers(each, policy, used) for _, each in alike]
    valid = [[waiver for waiver in each if waiver.expires >= today] for each in covering]
    # Every tool's finding needs a waiver: a waiver for one does not cover what another tool reports.
    waivers = [max(each, key=lambda waiver: waiver.expires) for each in valid if each]
    waiver = min(waivers, key=lambda each: each.expires) if len(waivers) == len(alike) else None
    expired = next((each for waivers in covering for each in waivers if each.expires < today), None)
    # Merge after the waivers are matched, because a waiver matches the finding of one tool.
    severity = min((each for each in severities if each != "unknown"), key=rank, default="unknown")
    checks = list(dict.fromkeys(check for check, _ in alike))
    names = [name for _, each in alike for name in (each.id, *each.aliases)]
    finding.aliases = [name for name in dict.fromkeys(names) if name != finding.id]
    finding.cwe, finding.fix = sorted({cwe for _, each in alike for cwe in each.cwe}), fix
    blocks = blocks and not tolerated and waiver is None
    return JudgedFinding([each for _, each in alike], checks, severity, blocks, waiver, expired)


def _promoted_severity(finding: Finding, policy: Policy) -> str:
    return "critical" if {finding.id, *finding.aliases} & set(policy.promote) else finding.severity


def _matching_waivers(finding: Finding, policy: Policy, used: set[int]) -> list[Waiver]:
    """Return the waivers that match a finding, expired or not, and add their numbers to `used`."""
    matching = {number: waiver for number, waiver in enumerate(policy.waivers) if _matches_waiver(waiver, finding)}
    used.update(matching)
    return list(matching.values())


def _matches_waiver(waiver: Waiver, finding: Finding) -> bool:
    inside = finding.file == waiver.path or finding.file.startswith(waiver.path.rstrip("/") + "/")
    return (
        waiver.id in (finding.id, *finding.aliases)
        and (not waiver.package or waiver.package.lower() == finding.package.lower())
        and (not waiver.path or inside)
        and (not waiver.fingerprint or waiver.fingerprint == finding.fingerprint)
    )
