"""The decision in words: what stops a release, why, where, how to mend it, and which OWASP category it belongs to."""

from __future__ import annotations

from cicd_templates.functions.scan_gate.decide import Decision, Judged
from cicd_templates.functions.scan_gate.owasp import CATEGORIES, categories

# What a person reads; the rest is in the normalised findings.
SHOWN = 25


def summary(decision: Decision) -> str:
    """Markdown, the verdict first, then what stops the release."""
    blocking = [each for each in decision.findings if each.blocks]
    counts = ", ".join(f"{decision.count(word)} {word}" for word in ("critical", "high", "medium", "low", "unknown"))
    lines = [f"# {decision.verdict}", "", f"{len(blocking)} findings stop the release. Not waived: {counts}.", ""]
    lines += [f"- **{check}**: {reason}" for check, reason in decision.broken.items()]
    lines += [line for each in blocking[:SHOWN] for line in _lines(each)]
    if len(blocking) > SHOWN:
        lines.append(f"- and {len(blocking) - SHOWN} more")
    waived = [each for each in decision.findings if each.waiver]
    if waived:
        lines += ["", "Accepted:", ""]
        lines += [
            f"- {each.finding.id}: {each.waiver.reason} ({each.waiver.owner}, until {each.waiver.expires})"
            for each in waived
            if each.waiver
        ]
    if decision.unused:
        lines += ["", "Waivers that cover nothing, to be removed:", ""]
        lines += [f"- {each.id} ({each.owner})" for each in decision.unused]
    return "\n".join(lines).rstrip() + "\n"


def _lines(judged: Judged) -> list[str]:
    finding = judged.finding
    where = f"{finding.package} {finding.version}".strip() or f"{finding.file}:{finding.line}"
    belongs = categories(finding.cwe, component=bool(finding.package))
    named = ", ".join(f"{name} {CATEGORIES[name][0]}" for name in belongs) or "no OWASP category"
    mend = f"update to {finding.fix}" if finding.fix else "no fixed version is known" if finding.package else "mend it"
    return [f"- **{judged.severity}** {finding.id} in `{where}` ({', '.join(judged.checks)}): {mend}; {named}"]
