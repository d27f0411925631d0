"""Writes the comment on a pull request: what the pull request would change in each environment. Does not call AWS.

Three lines are always visible: what changes, what is lost, and whose permissions grow. Details are in folded sections.
If several resources get the same policy statement, it appears once. The texts of a plan are untrusted, so `markdown`
escapes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cicd_templates.deploy.plans import document
from cicd_templates.deploy.plans.comment_size import Section, fit
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.text import short
from cicd_templates.deploy.plans.web_page.contents import notes
from cicd_templates.deploy.plans.web_page.folding import fold
from cicd_templates.functions.change_page import answers
from cicd_templates.functions.change_page.rows import Row
from cicd_templates.functions.change_page.word_difference import cut, word_difference
from cicd_templates.markdown import Markup, cell, code, plain, table_row
from cicd_templates.plurals import counted
from cicd_templates.template.changes.duration import format_duration
from cicd_templates.template.changes.impact import Detail

LONGEST_ANSWER, LONGEST_STATEMENT = 1_000, 600
# The largest number of values, and of names, on one line. Further values and names are only counted.
SHOWN_VALUES, SHOWN_NAMES = 4, 3
# Rows with a severity number below this are printed in bold: data, access, replacements and interruptions.
REMARKABLE = 6
IN_THE_PAGE = "The page `plan.html`, which is beside the file with this comment, shows all lines."
NO_PLAN = (
    "**Not planned**: no plan of this change exists, so only its templates were compared. A pull request from a fork"
    " gets no access to AWS."
)


def comment(plans: Sequence[Plan], review: str, base: str, missing: Sequence[str] = ()) -> str:
    """Return a comment that shows `plans` and `review`. The list `plans` can be empty.

    `review` is the Markdown output of `make review`, which compares the templates with those of the git revision
    `base`. `missing` lists the environments without a plan.
    """
    rows = fold(plans)
    names = cut(", ".join(plan.environment for plan in plans), LONGEST_ANSWER)
    title = f"## {plain(f'Plan of {names}' if plans else 'Templates')}"
    return fit([title, "", *_first_lines(plans, rows, missing)], [*_sections(plans, rows), _review(review, base)])


def _first_lines(plans: Sequence[Plan], rows: Sequence[Row], missing: Sequence[str]) -> Iterator[str]:
    if not plans:
        yield NO_PLAN
        return
    for question, answer in (
        ("What changes", answers.what_changes(plans, rows)),
        ("What is lost", answers.what_is_lost(rows)),
        ("Who can do more", answers.who_can_do_more(rows)),
    ):
        yield f"- **{question}**: {plain(cut(answer, LONGEST_ANSWER))}"
    if missing:
        listed = plain(cut(", ".join(missing), LONGEST_ANSWER))
        yield f"- **Not planned**: {listed}. The log of the run says why."


def _sections(plans: Sequence[Plan], rows: Sequence[Row]) -> Iterator[Section]:
    if rows:
        head = ("| effect | resource | where | notes |", "|---|---|---|---|")
        yield Section(f"Changes, worst first: {len(rows):,}", [_line(row) for row in rows], IN_THE_PAGE, head)
    if access := list(_access(rows)):
        yield Section(f"Policy statements added or removed: {len(access):,}", access, IN_THE_PAGE)
    if plans:
        yield Section("Stacks, accounts, digests", [*map(_facts, plans), *_notes(plans)], IN_THE_PAGE)


def _line(row: Row) -> str:
    effect = Markup(f"**{cell(row.effect)}**") if row.severity < REMARKABLE else row.effect
    kind = "" if row.creates_stack else f" ({row.change.resource_type.removeprefix('AWS::')})"
    known = Markup("<br>".join(cell(fact) for fact in _known(row)))
    return table_row([effect, f"{row.title}{kind}", Markup("<br>".join(map(cell, _where(row)))), known])


def _where(row: Row) -> Iterator[str]:
    environments = dict.fromkeys(place.environment for place in row.places)
    if row.extent:
        yield row.extent
    if len(environments) == 1 or not row.extent:
        yield from environments
    sources = [place.source for place in row.places]
    yield sources[0] if len(sources) == 1 else f"the first: {sources[0]}"


def _known(row: Row) -> Iterator[str]:
    """Yield what a reviewer must know about a change, such as lost data, interruptions and changed values."""
    if row.impact.holds:
        yield f"{row.impact.holds}: {row.impact.fate}"
    if row.impact.why:
        yield row.impact.why
    if row.contents:
        yield ", ".join(f"{count} {kind.removeprefix('AWS::')}" for kind, count in row.contents)
    details = [detail for detail in row.change.details if detail.before or detail.after]
    for detail in details[:SHOWN_VALUES]:
        before, after = _values(detail)
        name = detail.path.removeprefix("/Properties/") or detail.name or detail.attribute
        yield f"{name}: {before or 'nothing'} → {after or 'nothing'}"
    if len(details) > SHOWN_VALUES:
        yield f"and {counted(len(details) - SHOWN_VALUES, 'more value')}"
    unnamed = row.change.properties
    if not details and unnamed:
        yield ", ".join(unnamed)
    if row.longest_wait_seconds:
        yield f"up to {format_duration(row.longest_wait_seconds)}"


def _values(detail: Detail) -> tuple[str, str]:
    """Return the old and the new value of a changed property. If they are long, return only the words that differ."""
    before, after = short(detail.before), short(detail.after)
    if (before, after) == (detail.before, detail.after):
        return before, after
    parts = word_difference(detail.before, detail.after, LONGEST_STATEMENT)
    gone, new = (" … ".join(part.text for part in parts if part.kind == kind) for kind in ("gone", "new"))
    return short(gone), short(new)


def _access(rows: Sequence[Row]) -> Iterator[str]:
    """Yield one line for each added or removed policy statement. The line names the resources that get or lose it."""
    holders: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        holder = f"{row.title}, {row.extent}" if row.extent else row.title
        for kind, statements in (("now", row.grants.added), ("no longer", row.grants.removed)):
            for statement in statements:
                holders.setdefault((kind, statement), []).append(holder)
    for (kind, statement), names in holders.items():
        more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
        held_by = plain("; ".join(names[:SHOWN_NAMES]))
        yield f"- **{kind}**: {plain(cut(statement, LONGEST_STATEMENT))} ({held_by}{more})"


def _facts(plan: Plan) -> str:
    where = f"account {plan.account}, {plan.region}{' (local AWS)' if plan.local else ''}"
    facts = f"{plan.environment}: {where}, revision {plan.revision or 'unknown'}"
    return f"- {plain(facts)}, digest {code(document.digest(plan))}"


def _notes(plans: Sequence[Plan]) -> Iterator[str]:
    for text, stacks in notes(plans):
        yield f"- {plain(cut(text, LONGEST_STATEMENT))}: {plain(cut(', '.join(stacks), LONGEST_ANSWER))}"


def _review(review: str, base: str) -> Section:
    """Return the section with the text of `review`. The title is left out, and the headings are smaller."""
    lines = [line for line in review.splitlines() if not line.startswith("# ")]
    smaller = [f"##{line}" if line.startswith("## ") else line for line in lines]
    command = code(f"make review BASE={base}")
    return Section("What changes in the templates, in words", smaller, f"{command} prints all of them.")
