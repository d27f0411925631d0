"""What a plan says of its changes, in words: the same for a terminal, a log and a page. Pure."""

from __future__ import annotations

from cicd_templates.deploy.change_sets.duration import spelled
from cicd_templates.deploy.change_sets.impact import SAFE, Change, Verdict, total
from cicd_templates.deploy.plans.document import Plan, PlannedStack

VALUE_CHARACTERS = 60


def counted(changes: tuple[Change, ...]) -> str:
    """The number of changes by action: `3 Add, 1 Modify`."""
    return ", ".join(f"{count} {action}" for action, count in total(changes).items()) or "outputs or tags only"


def planned_lines(label: str, planned: PlannedStack) -> list[str]:
    """What would happen to a stack, the worst of each change beside it."""
    verb = "create" if planned.creates else "update"
    wait = f", up to {spelled(planned.longest_wait_seconds)}" if planned.changes else ""
    lines = [f"  {label}: {verb}, {counted(planned.changes)}{wait}"]
    # Of a creation every line would say "Add"; its file says it better.
    if not planned.creates:
        for change, verdict in zip(planned.changes, planned.verdicts, strict=True):
            lines += [f"    {row(change, verdict)}", *(f"      {fact}" for fact in facts(planned, change, verdict))]
    return lines + [f"    {finding}" for finding in planned.findings]


def row(change: Change, verdict: Verdict) -> str:
    """A change in a line: action, logical id, type, what it comes to, and the properties."""
    comes_to = "" if verdict.kind == SAFE else f"  {outcome(verdict).upper()}"
    properties = f"  [{', '.join(change.properties)}]" if change.properties else ""
    return f"{change.action:<7} {change.logical_id}  {change.resource_type}{comes_to}{properties}"


def outcome(verdict: Verdict) -> str:
    """The kind of a change, with a word where CloudFormation itself is not sure."""
    return verdict.kind if verdict.certain else f"perhaps {verdict.kind}"


def facts(planned: PlannedStack, change: Change, verdict: Verdict) -> list[str]:
    """What there is to know of a change: values before and after, data, interruption, statements; a line each."""
    found = [
        f"{detail.path or detail.name}: {short(detail.before)} -> {short(detail.after)}"
        for detail in change.details
        if detail.before or detail.after
    ]
    if verdict.holds:
        found.append(f"{verdict.holds}: {verdict.fate}")
    if verdict.why:
        found.append(verdict.why)
    grants = planned.grants.get(change.logical_id)
    if grants:
        found += [f"now: {statement}" for statement in grants.added]
        found += [f"no longer: {statement}" for statement in grants.removed]
    return found


def short(value: str) -> str:
    """A value in a line of a report; a policy is as long as a page."""
    text = " ".join(value.split())
    return text if len(text) <= VALUE_CHARACTERS else f"{text[: VALUE_CHARACTERS - 3]}..."


def change_sets(made: Plan) -> str:
    """How many change sets a plan has, in words."""
    count = len(made.changing)
    return "this change set" if count == 1 else f"these {count} change sets"
