"""The decision in words: what stops a release, why, where, how to mend it, and which OWASP category it belongs to."""

from __future__ import annotations

from cicd_templates.functions.scan_gate.decide import Decision, Judged
from cicd_templates.functions.scan_gate.owasp import CATEGORIES, categories
from cicd_templates.functions.scan_gate.severity import SCALE

# What a person reads; the rest is in the normalised findings.
SHOWN = 25
TITLE_LENGTH = 100


def summary(decision: Decision) -> str:
    """Markdown: the verdict, what stops the release, what is accepted until when. The worst comes first."""
    blocking = [each for each in decision.findings if each.blocks]
    why = [f"reports that do not count: {len(decision.broken)}"] if decision.broken else []
    why += [f"findings that stop the release: {len(blocking)}"] if blocking else []
    counts = [f"{decision.count(word)} {word}" for word in SCALE if decision.count(word)]
    lines = [f"# {decision.verdict}: {', '.join(why) or 'nothing stops the release'}", ""]
    lines += [f"Findings that are not waived: {', '.join(counts) or 'none'}.", ""]
    lines += [f"- **{_plain(check)}**: {_plain(reason)}" for check, reason in decision.broken.items()]
    lines += [line for each in blocking[:SHOWN] for line in _lines(each)]
    if len(blocking) > SHOWN:
        lines.append(f"- and {len(blocking) - SHOWN} more, in verdict.json")
    accepted = [(_plain(each.alike[0].id), each.waiver) for each in decision.findings if each.waiver]
    lines += ["", "Accepted:", ""] if accepted else []
    lines += [f"- {id_}: {waiver.reason} ({waiver.owner}, until {waiver.expires})" for id_, waiver in accepted]
    lines += ["", "Waivers that cover nothing, to be removed:", ""] if decision.unused else []
    lines += [f"- {each.id} in {each.package or each.path} ({each.owner})" for each in decision.unused]
    return "\n".join(lines).rstrip() + "\n"


def _lines(judged: Judged) -> list[str]:
    finding, ended = judged.alike[0], judged.ended
    where = f"{finding.package} {finding.version}".strip() or f"{finding.file}:{finding.line}"
    known = "update or replace it" if finding.package else "change the code there"
    mend = f"update to {finding.fix}" if finding.fix else "there is no fix yet" if finding.fix == "" else known
    mend += "; that the tool was told to pass over it is nothing, only a waiver does" if finding.suppressed else ""
    if ended:
        mend += f" (the waiver of {ended.owner} ended on {ended.expires})"
    belongs = categories(finding.cwe, component=bool(finding.package))
    named = ", ".join(f"{each} {CATEGORIES[each]}" for each in belongs) or "in no category"
    title = _plain(finding.title)
    return [
        f"- **{judged.severity}** {_plain(finding.id)}{': ' if title else ''}{title}",
        f"  - where: `{_plain(where)}`, found by {', '.join(judged.checks)}",
        f"  - what to do: {mend}",
        f"  - OWASP: {named}",
    ]


def _plain(words: str) -> str:
    """A tool's words in one line of printable characters, so that they cannot pass for ours."""
    kept = "".join(each for each in " ".join(words.split()) if each.isprintable() and each != "`")
    return kept if len(kept) <= TITLE_LENGTH else f"{kept[:TITLE_LENGTH]}..."
