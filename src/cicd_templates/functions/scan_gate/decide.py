"""Decide whether a release may continue, based on its reports, the policy and the date. Performs no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from cicd_templates.functions.scan_gate.kinds import kinds_of
from cicd_templates.functions.scan_gate.policy import POLICY, AcceptedSetting, Policy
from cicd_templates.functions.scan_gate.reading import OK, Finding, Report
from cicd_templates.functions.scan_gate.severity import SCALE, normalised_severity
from cicd_templates.functions.scan_gate.waivers import Waiver, WaiverIndex, ascii_lower

PASS, FAIL = "PASS", "FAIL"
DEFAULT = Policy()
SHOWN_IDS = 5
# In `Decision.broken`, this key says that the reports are about different sources. No check has this name, because it
# contains a space.
SOURCE = "source digest"


@dataclass
class JudgedFinding:
    """A vulnerability, and whether it blocks the release. Several `checks` may have reported it.

    - `alike` has the findings about this vulnerability, one per report. The first finding represents all findings.
    - `severity` is the worst severity of the findings in `alike`.
    - If every finding in `alike` has a valid waiver, `waiver` is the waiver that expires first. Otherwise, it is None.
    - `expired` is an expired waiver of any finding in `alike`, or None.
    - `weakened` is true if the vulnerability passes without a waiver, but the default policy would block it.
    - `kinds` has the kinds of weakness, such as `injection`, for which the policy blocks the vulnerability. If the
      threshold of a check already blocks the vulnerability, `kinds` is empty.
    """

    alike: list[Finding]
    checks: list[str]
    severity: str
    blocks: bool
    waiver: Waiver | None
    expired: Waiver | None
    kinds: list[str] = field(default_factory=list)
    weakened: bool = False


@dataclass
class Decision:
    """The decision about a release.

    - `broken` maps each check with an unusable report to the reason. The key `POLICY` has the problems of the policy.
      The key `SOURCE` says that the reports are about different sources. The release fails if `broken` is not empty.
    - `weaker` has the settings that are weaker than their defaults.
    - `policy_version` is the version of the policy. A policy with version 1 is weaker than the default.
    - `covered` maps each check to a description of what it scanned.
    - `known` has the fingerprints of the last release's findings. It is None if there is no last release.
    - `source_digest` identifies the source of all reports. It is empty if the reports have no common digest.
    - `stored` maps each check to the key and the S3 version of its report, and to the SHA-256 of the bytes.
    """

    findings: list[JudgedFinding] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    unused_waivers: list[Waiver] = field(default_factory=list)
    weaker: list[AcceptedSetting] = field(default_factory=list)
    policy_version: int = DEFAULT.version
    covered: dict[str, str] = field(default_factory=dict)
    known: set[str] | None = None
    source_digest: str = ""
    stored: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """Return `PASS` if every report is usable and no finding blocks, otherwise `FAIL`."""
        return FAIL if self.broken or any(each.blocks for each in self.findings) else PASS

    def is_new(self, judged: JudgedFinding) -> bool:
        """Return whether a finding is new since the last release. Return False if there is no last release."""
        return self.known is not None and self.known.isdisjoint(finding.fingerprint for finding in judged.alike)

    def count(self, severity: str) -> int:
        """Return the number of findings that have this severity and no waiver."""
        return sum(each.severity == severity and each.waiver is None for each in self.findings)

    @property
    def waived(self) -> int:
        """The number of findings that a waiver accepts."""
        return sum(each.waiver is not None for each in self.findings)

    @property
    def weakened(self) -> int:
        """The number of findings that pass only because the policy is weaker than the default one."""
        return sum(each.weakened for each in self.findings)


def decide(expected: list[str], reports: Mapping[str, Report], policy: Policy, today: date) -> Decision:
    """Return the decision about a release. Each of the `expected` checks must have a report.

    If a report is missing, the release fails, and no waiver can change this.
    """
    policy = policy.on(today)
    decision = Decision(weaker=policy.weaker, policy_version=policy.version)
    findings_by_check: list[tuple[str, Finding]] = []
    for check in expected:
        report = reports.get(check, Report(status="missing"))
        if report.status != OK:
            decision.broken[check] = f"its report is {report.status}: {report.reason}".removesuffix(": ")
        decision.covered[check] = report.covered
        findings_by_check += [
            (check, part) for finding in (*report.findings, *report.suppressed) for part in _by_package(finding)
        ]
    _agree_on_source(decision, {check: reports[check] for check in expected if check in reports})
    waivers = WaiverIndex(policy.waivers)
    decision.findings = [_judge(alike, policy, today, waivers) for alike in _group_by_identity(findings_by_check)]
    decision.findings.sort(key=lambda each: (not each.blocks, SCALE.index(each.severity), each.alike[0].id))
    problems = list(policy.problems)
    if policy.refuse_weaker and decision.weakened:
        ids = list(dict.fromkeys(each.alike[0].id for each in decision.findings if each.weakened))
        more = f" and {len(ids) - SHOWN_IDS} more" if len(ids) > SHOWN_IDS else ""
        problems.append(
            "the policy is weaker than the default policy, and pipeline.weaker_policy does not allow this; the default "
            f"policy would stop the release because of {decision.weakened} findings "
            f"({', '.join(ids[:SHOWN_IDS])}{more}); fix them or add waivers"
        )
    if problems:
        decision.broken[POLICY] = "; ".join(problems)
    decision.unused_waivers = [waiver for number, waiver in enumerate(policy.waivers) if number not in waivers.used]
    return decision


def _by_package(finding: Finding) -> list[Finding]:
    """Return one copy of the finding for each vulnerable package, because each package needs a waiver."""
    if not finding.also_in:
        return [finding]
    packages = [(finding.package, finding.version), *finding.also_in]
    return [replace(finding, package=name, version=version, also_in=[], excerpt="") for name, version in packages]


def _agree_on_source(decision: Decision, reports: Mapping[str, Report]) -> None:
    """Record the common source of all reports. The release fails if the reports are about different sources."""
    checks_by_digest: dict[str, list[str]] = {}
    for check, report in reports.items():
        if report.source_digest:
            checks_by_digest.setdefault(report.source_digest, []).append(check)
    if len(checks_by_digest) == 1:
        (decision.source_digest,) = checks_by_digest
    elif checks_by_digest:
        sources = [f"{', '.join(checks)} had {digest[:12]}" for digest, checks in checks_by_digest.items()]
        decision.broken[SOURCE] = f"the checks judged different sources: {'; '.join(sources)}"


def _identities(check: str, finding: Finding) -> list[tuple[str, str]]:
    """Return the keys that identify a finding. Findings of different tools count as the same if they share a key.

    A vulnerability of a package can have several names: an id and aliases. The finding has one key for each of these
    names, together with the package's name. Any other finding has one key: its check and its fingerprint.
    """
    if not finding.package:
        return [(check, finding.fingerprint)]
    # Some tools write a Maven package with its group before a colon.
    package = re.sub("[-_.]+", "-", ascii_lower(finding.package.rpartition(":")[2]))
    return [(ascii_lower(name), package) for name in (finding.id, *finding.aliases)]


def _group_by_identity(findings_by_check: list[tuple[str, Finding]]) -> list[list[tuple[str, Finding]]]:
    """Return the findings in groups. All findings in a group count as one finding.

    Two findings that share a key of `_identities` are in the same group. If A shares a key with B, and B with C, then A
    and C are in the same group, too.
    """
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


def _judge(alike: list[tuple[str, Finding]], policy: Policy, today: date, waivers: WaiverIndex) -> JudgedFinding:
    finding, rank = alike[0][1], SCALE.index
    severities = [_raised_severity(each, policy) for _, each in alike]
    known_fixes = [each.fix for _, each in alike if each.fix is not None]
    fix = next((each for each in known_fixes if each), "" if known_fixes else None)
    stops, kinds = _stops(alike, policy, fix)
    weakened = not stops and _stops(alike, DEFAULT, fix)[0]
    covering = [waivers.matching(each) for _, each in alike]
    valid = [[waiver for waiver in each if waiver.expires >= today] for each in covering]
    # The finding of every tool needs a waiver. A waiver for one tool's finding does not cover another tool's finding.
    longest = [max(each, key=lambda waiver: waiver.expires) for each in valid if each]
    waiver = min(longest, key=lambda each: each.expires) if len(longest) == len(alike) else None
    expired = next((each for matching in covering for each in matching if each.expires < today), None)
    # Merge after the waivers are matched, because a waiver matches the finding of one tool.
    severity = min((each for each in severities if each != "unknown"), key=rank, default="unknown")
    checks = list(dict.fromkeys(check for check, _ in alike))
    names = [name for _, each in alike for name in (each.id, *each.aliases)]
    finding.aliases = [name for name in dict.fromkeys(names) if name != finding.id]
    finding.cwe, finding.fix = sorted({cwe for _, each in alike for cwe in each.cwe}), fix
    blocks = stops and waiver is None
    finding.exploited, finding.epss = any(each.exploited for _, each in alike), max(each.epss for _, each in alike)
    return JudgedFinding(
        [each for _, each in alike], checks, severity, blocks, waiver, expired, kinds, weakened and waiver is None
    )


def _stops(alike: list[tuple[str, Finding]], policy: Policy, fix: str | None) -> tuple[bool, list[str]]:
    """Return whether a threshold of the policy blocks a finding if no waiver is considered.

    If only thresholds for kinds of weakness, such as `injection`, block it, also return these kinds.
    """
    rank = SCALE.index
    severities = [_raised_severity(each, policy) for _, each in alike]
    effective = [policy.unknown if each == "unknown" else each for each in severities]
    thresholds = [policy.thresholds.get(check, "high") for check, _ in alike]
    blocks = any(rank(one) <= rank(other) for one, other in zip(effective, thresholds, strict=True))
    kinds = [] if blocks else sorted({kind for _, each in alike for kind in _blocking_kinds(each, policy)})
    tolerated = fix == "" and not any(rank(each) <= rank(policy.unfixed) for each in effective)
    return bool(blocks or kinds) and not tolerated, kinds


def _raised_severity(finding: Finding, policy: Policy) -> str:
    """Return a finding's severity, raised if the policy promotes the finding, or if exploitation is known or likely."""
    severity = finding.severity
    if {finding.id, *finding.aliases} & set(policy.promote):
        return "critical"
    if finding.epss >= policy.epss:
        severity = {"high": "critical", "medium": "high", "low": "medium", "info": "low"}.get(severity, severity)
    raised = [severity, *([policy.exploited] if finding.exploited and policy.exploited else [])]
    return min(raised, key=SCALE.index)


def _blocking_kinds(finding: Finding, policy: Policy) -> list[str]:
    """Return the kinds of weakness, such as `injection`, for which the policy blocks a finding.

    The policy is applied to the more severe of `severity` and `tool_severity`. A parser lowers `severity` if the tool
    is not confident, but an uncertain finding can still be a real injection.
    """
    raised = _raised_severity(finding, policy)
    severity = policy.unknown if raised == "unknown" else raised
    # A word that is not on the scale ranks last.
    severity = min(severity, normalised_severity(finding.tool_severity), key=SCALE.index)
    return [
        kind
        for kind in kinds_of(finding)
        if kind in policy.kinds and SCALE.index(severity) <= SCALE.index(policy.kinds[kind])
    ]
