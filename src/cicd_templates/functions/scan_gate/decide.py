"""The decision: whether a release may go on, from its reports, a policy and the day. Reads nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from cicd_templates.functions.scan_gate.policy import Policy, Waiver
from cicd_templates.functions.scan_gate.reading import OK, Finding, Report
from cicd_templates.functions.scan_gate.severity import SCALE

PASS, FAIL = "PASS", "FAIL"


@dataclass
class Judged:
    """One finding, the checks that found it, its severity by the policy, and what is to be done about it."""

    finding: Finding
    checks: list[str]
    severity: str
    blocks: bool
    waiver: Waiver | None = None


@dataclass
class Decision:
    """`broken` are the checks whose report does not count, with the reason; any of them fails the release."""

    findings: list[Judged] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    unused: list[Waiver] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """`PASS` where every report counts and nothing blocks."""
        return FAIL if self.broken or any(each.blocks for each in self.findings) else PASS

    def count(self, severity: str) -> int:
        """How many findings of a severity are not waived."""
        return sum(each.severity == severity and each.waiver is None for each in self.findings)


def decide(expected: list[str], reports: Mapping[str, Report], policy: Policy, today: date) -> Decision:
    """Judge the `reports` of the `expected` checks. A check without a report is broken; waivers cover findings only."""
    decision = Decision()
    used: set[int] = set()
    seen: dict[tuple[str, str], Judged] = {}
    for check in expected:
        report = reports.get(check)
        if report is None:
            decision.broken[check] = "its report is missing"
            continue
        if report.status != OK:
            decision.broken[check] = f"its report is {report.status}: {report.reason}"
        for finding in report.findings:
            judged = _judged(finding, check, policy, today, used)
            before = next((seen[key] for key in _keys(finding) if key in seen), None)
            if before is None:
                decision.findings.append(judged)
                before = judged
            else:
                _merge(before, judged)
            seen.update(dict.fromkeys(_keys(finding), before))
    decision.findings.sort(key=lambda each: (not each.blocks, SCALE.index(each.severity), each.finding.id))
    decision.unused = [waiver for number, waiver in enumerate(policy.waivers) if number not in used]
    return decision


def _keys(finding: Finding) -> list[tuple[str, str]]:
    """By what two tools mean the same: each name of a vulnerability with its package; none for what is in a file."""
    if not finding.package:
        return []
    package = finding.package.lower().replace("_", "-")
    return [(name.upper(), package) for name in (finding.id, *finding.aliases)]


def _judged(finding: Finding, check: str, policy: Policy, today: date, used: set[int]) -> Judged:
    severity = "critical" if finding.id in policy.promote else finding.severity
    effective = policy.unknown if severity == "unknown" else severity
    blocks = SCALE.index(effective) <= SCALE.index(policy.threshold(check))
    waiver = None
    for number, each in enumerate(policy.waivers):
        if _covers(each, finding):
            used.add(number)
            if each.expires >= today:
                waiver = each
    return Judged(finding, [check], severity, blocks and waiver is None, waiver)


def _covers(waiver: Waiver, finding: Finding) -> bool:
    if waiver.id not in (finding.id, *finding.aliases):
        return False
    in_the_package = not waiver.package or waiver.package.lower() == finding.package.lower()
    return in_the_package and (not waiver.path or finding.file.startswith(waiver.path))


def _merge(kept: Judged, other: Judged) -> None:
    """Two tools found the same: the worse word counts, and one that blocks is not taken back by one that does not."""
    kept.checks += [check for check in other.checks if check not in kept.checks]
    # What one tool does not know the other may.
    known = [severity for severity in (kept.severity, other.severity) if severity != "unknown"]
    kept.severity = min(known, key=SCALE.index, default="unknown")
    kept.blocks = kept.blocks or other.blocks
    kept.waiver = kept.waiver and other.waiver
    kept.finding.fix = kept.finding.fix or other.finding.fix
    kept.finding.cwe = sorted({*kept.finding.cwe, *other.finding.cwe})
