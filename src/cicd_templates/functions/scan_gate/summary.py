"""Writes the decision as text for people.

For each blocking finding, the text says what was found, why it blocks, where it is, how to fix it, and which OWASP
categories it belongs to.
"""

from __future__ import annotations

from cicd_templates.functions.scan_gate.decide import DEFAULT, Decision, JudgedFinding
from cicd_templates.functions.scan_gate.owasp import CATEGORIES, categories
from cicd_templates.functions.scan_gate.reading import Finding
from cicd_templates.functions.scan_gate.severity import SCALE
from cicd_templates.functions.scan_gate.untrusted_text import escaped, one_line

# The summary lists at most this many findings; verdict.json has all of them.
MAX_SHOWN = 25
MAX_PLACE_LENGTH = 100
MAX_REASON_LENGTH = 300


def summary(decision: Decision) -> str:
    """Return Markdown: the verdict, the blocking findings (most severe first), and the accepted findings."""
    blocking = [each for each in decision.findings if each.blocks]
    reasons = [f"unusable reports: {len(decision.broken)}"] if decision.broken else []
    reasons += [f"blocking findings: {len(blocking)}"] if blocking else []
    counts = [f"{decision.count(word)} {word}" for word in SCALE if decision.count(word)]
    lines = [f"# {decision.verdict}: {', '.join(reasons) or 'nothing blocks the release'}", ""]
    accepted_by = f" Accepted by a waiver: {decision.waived}." if decision.waived else ""
    lines += [f"Findings without a waiver: {', '.join(counts) or 'none'}.{accepted_by}", ""]
    lines += _weaker_lines(decision)
    lines += [
        f"- **{escaped(check)}**: {escaped(reason, MAX_REASON_LENGTH)}" for check, reason in decision.broken.items()
    ]
    lines += [line for each in blocking[:MAX_SHOWN] for line in _finding_lines(each)]
    lines += _more_line(blocking[MAX_SHOWN:])
    lines += _below_lines(decision)
    accepted = [(escaped(each.alike[0].id), each.waiver) for each in decision.findings if each.waiver]
    lines += ["", "Settings that are weaker than their defaults:", ""] if decision.weaker else []
    lines += [
        f"- {escaped(each.setting)} = {each.severity}: {escaped(each.reason, MAX_REASON_LENGTH)}"
        f" ({escaped(each.owner)}, until {each.expires})"
        for each in decision.weaker
    ]
    lines += ["", "Accepted by a waiver:", ""] if accepted else []
    lines += [
        f"- {id_}: {escaped(waiver.reason, MAX_REASON_LENGTH)} ({escaped(waiver.owner)}, until {waiver.expires})"
        for id_, waiver in accepted
    ]
    lines += ["", "Unused waivers, which can be removed:", ""] if decision.unused_waivers else []
    lines += [
        f"- {escaped(each.id)} in {escaped(each.package or each.path)} ({escaped(each.owner)})"
        for each in decision.unused_waivers
    ]
    return "\n".join(lines).rstrip() + "\n"


def _weaker_lines(decision: Decision) -> list[str]:
    """Return lines that say how the policy is weaker than the default policy, or an empty list if it is not weaker."""
    lines = []
    if decision.weakened:
        lines += [
            f"**The policy is weaker than the default:** {decision.weakened} findings pass, but would stop the release"
            " under the default policy.",
            "",
        ]
    if decision.policy_version != DEFAULT.version:
        lines += [
            f"The policy has no `version = {DEFAULT.version}`, so the gate ignores two facts about findings: their"
            " kind, and whether they are exploited.",
            "",
        ]
    return lines


def _below_lines(decision: Decision) -> list[str]:
    """Return lines for the findings that do not stop the release.

    Findings that differ only in their place share a line. The order is: findings that would stop the release under the
    default policy, then new findings, then all others. In each group, the most severe come first.
    """
    alike: dict[tuple[bool, bool, str, str], list[JudgedFinding]] = {}
    for each in decision.findings:
        if not each.blocks and not each.waiver:
            key = (not each.weakened, not decision.is_new(each), each.severity, each.alike[0].id)
            alike.setdefault(key, []).append(each)
    rows = sorted(alike.items(), key=lambda row: (row[0][:2], SCALE.index(row[0][2])))
    lines = ["", "Findings that do not stop the release:", ""] if rows else []
    lines += [_below_line(each, new=not old) for (_, old, _, _), each in rows[:MAX_SHOWN]]
    return lines + _more_line([each for _, row in rows[MAX_SHOWN:] for each in row])


def _more_line(cut: list[JudgedFinding]) -> list[str]:
    """Return a line that counts the findings that are not shown, by severity."""
    counts = [f"{number} {word}" for word in SCALE if (number := sum(each.severity == word for each in cut))]
    return [f"- {len(cut)} more findings are in verdict.json: {', '.join(counts)}"] if cut else []


def _below_line(row: list[JudgedFinding], *, new: bool) -> str:
    judged, finding = row[0], row[0].alike[0]
    title = escaped(finding.title)
    about = f"{escaped(finding.id)}{': ' if title else ''}{title}, `{_place(finding)}`"
    about += f" and {len(row) - 1} more places" if len(row) > 1 else ""
    notes = ["stops a release under the default policy"] if judged.weakened else []
    notes += ["new since the last release"] if new else []
    noted = f" ({', '.join(notes)})" if notes else ""
    return f"- **{judged.severity}** {about}{noted}"


def _place(finding: Finding) -> str:
    """Return the place of a finding: its package, or its file and line. Backticks are removed for the code span.

    If the text is too long, its beginning is cut off, because the name of the file and the line are at the end.
    """
    where = f"{finding.package} {finding.version}".strip() or f"{finding.file}:{finding.line}"
    shown = one_line(where.replace("`", ""), len(where))
    return shown if len(shown) <= MAX_PLACE_LENGTH else f"...{shown[-MAX_PLACE_LENGTH:]}"


def _finding_lines(judged: JudgedFinding) -> list[str]:
    finding, expired = judged.alike[0], judged.expired
    default = "update or replace it" if finding.package else "fix the code there"
    remedy = (
        f"update to {escaped(finding.fix)}"
        if finding.fix
        else "no fix is available yet"
        if finding.fix == ""
        else default
    )
    remedy += "; the tool suppressed the finding, but it counts until a waiver accepts it" if finding.suppressed else ""
    if expired:
        remedy += f" (the waiver of {escaped(expired.owner)} expired on {expired.expires})"
    raised = ["known to be exploited"] if finding.exploited else []
    raised += [f"probability of exploitation: {finding.epss:.0%}"] if finding.epss >= 0.01 else []
    raised += [] if finding.stated else ["its report states no severity"]
    raised += [
        f"the threshold for weaknesses of the kind {kind} stops the release; the check's threshold would not stop it"
        for kind in judged.kinds
    ]
    owasp_categories = categories(finding.cwe, component=bool(finding.package))
    categories_text = ", ".join(f"{each} {CATEGORIES[each]}" for each in owasp_categories) or "no category"
    title = escaped(finding.title)
    return [
        f"- **{judged.severity}** {escaped(finding.id)}{': ' if title else ''}{title}",
        f"  - where: `{_place(finding)}`, found by {escaped(', '.join(judged.checks))}",
        f"  - what to do: {remedy}",
        *([f"  - severity: {'; '.join(raised)}"] if raised else []),
        f"  - OWASP: {categories_text}",
    ]
