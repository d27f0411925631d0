"""The decision: whether a release may go on, from its reports, a policy and the day. Reads nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from cicd_templates.functions.scan_gate.policy import POLICY, Policy, Waiver
from cicd_templates.functions.scan_gate.reading import OK, Finding, Report
from cicd_templates.functions.scan_gate.severity import SCALE

PASS, FAIL = "PASS", "FAIL"


@dataclass
class Judged:
    """What is one finding, however many `checks` told it: the first of `alike` stands for all, with the worst severity.

    It `blocks` unless each of them has a waiver. `waiver` is the first of those to end, `ended` one that did.
    """

    alike: list[Finding]
    checks: list[str]
    severity: str
    blocks: bool
    waiver: Waiver | None
    ended: Waiver | None


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
    if policy.problems:
        decision.broken[POLICY] = "; ".join(policy.problems)
    found: list[tuple[str, Finding]] = []
    for check in expected:
        report = reports.get(check, Report(status="missing"))
        if report.status != OK:
            decision.broken[check] = f"its report is {report.status}: {report.reason}".removesuffix(": ")
        found += [(check, finding) for finding in (*report.findings, *report.suppressed)]
    used: set[int] = set()
    decision.findings = [_judged(alike, policy, today, used) for alike in _grouped(found)]
    decision.findings.sort(key=lambda each: (not each.blocks, SCALE.index(each.severity), each.alike[0].id))
    decision.unused = [waiver for number, waiver in enumerate(policy.waivers) if number not in used]
    return decision


def _names(check: str, finding: Finding) -> list[tuple[str, str]]:
    """By what two tools mean the same: each name of a vulnerability, with its package; a place in a file is its own."""
    if not finding.package:
        return [(check, finding.fingerprint)]
    package = finding.package.lower().replace("_", "-")
    return [(name.upper(), package) for name in (finding.id, *finding.aliases)]


def _grouped(found: list[tuple[str, Finding]]) -> list[list[tuple[str, Finding]]]:
    """The findings that share a name, also by way of a third, together and in their order."""
    leader: dict[tuple[str, str], tuple[str, str]] = {}

    def first(name: tuple[str, str]) -> tuple[str, str]:
        while leader.setdefault(name, name) != name:
            leader[name] = name = leader[leader[name]]
        return name

    named = [(_names(*each), each) for each in found]
    for names, _ in named:
        for name in names:
            leader[first(name)] = first(names[0])
    groups: dict[tuple[str, str], list[tuple[str, Finding]]] = {}
    for names, each in named:
        groups.setdefault(first(names[0]), []).append(each)
    return list(groups.values())


def _judged(alike: list[tuple[str, Finding]], policy: Policy, today: date, used: set[int]) -> Judged:
    finding, rank = alike[0][1], SCALE.index
    severities = [_severity(each, policy) for _, each in alike]
    effective = [policy.unknown if each == "unknown" else each for each in severities]
    fixes = [each.fix for _, each in alike if each.fix is not None]
    fix = next((each for each in fixes if each), "" if fixes else None)
    least = [policy.thresholds.get(check, "high") for check, _ in alike]
    blocks = any(rank(one) <= rank(other) for one, other in zip(effective, least, strict=True))
    may_wait = fix == "" and not any(rank(each) <= rank(policy.unfixed) for each in effective)
    covering = [_covering(each, policy, used) for _, each in alike]
    valid = [[waiver for waiver in each if waiver.expires >= today] for each in covering]
    # Each tool's finding needs a waiver: one for what one of them says does not take back what another says.
    waivers = [max(each, key=lambda waiver: waiver.expires) for each in valid if each]
    waiver = min(waivers, key=lambda each: each.expires) if len(waivers) == len(alike) else None
    ended = next((each for waivers in covering for each in waivers if each.expires < today), None)
    # What one tool does not know the other may. The first stands for all only now: a waiver is for what one tool says.
    severity = min((each for each in severities if each != "unknown"), key=rank, default="unknown")
    checks = list(dict.fromkeys(check for check, _ in alike))
    names = [name for _, each in alike for name in (each.id, *each.aliases)]
    finding.aliases = [name for name in dict.fromkeys(names) if name != finding.id]
    finding.cwe, finding.fix = sorted({cwe for _, each in alike for cwe in each.cwe}), fix
    blocks = blocks and not may_wait and waiver is None
    return Judged([each for _, each in alike], checks, severity, blocks, waiver, ended)


def _severity(finding: Finding, policy: Policy) -> str:
    return "critical" if {finding.id, *finding.aliases} & set(policy.promote) else finding.severity


def _covering(finding: Finding, policy: Policy, used: set[int]) -> list[Waiver]:
    """The waivers for a finding, whether they have ended or not; notes in `used` that they are for something."""
    found = {number: waiver for number, waiver in enumerate(policy.waivers) if _covers(waiver, finding)}
    used.update(found)
    return list(found.values())


def _covers(waiver: Waiver, finding: Finding) -> bool:
    inside = finding.file == waiver.path or finding.file.startswith(waiver.path.rstrip("/") + "/")
    return (
        waiver.id in (finding.id, *finding.aliases)
        and (not waiver.package or waiver.package.lower() == finding.package.lower())
        and (not waiver.path or inside)
        and (not waiver.fingerprint or waiver.fingerprint == finding.fingerprint)
    )
