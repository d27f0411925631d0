"""Formats the changes of a plan as text for terminals, logs and pages. Does not call AWS."""

from __future__ import annotations

from collections.abc import Sequence

from cicd_templates.deploy.change_sets.drift import StackDrift
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.plurals import counted
from cicd_templates.template.changes.duration import format_duration
from cicd_templates.template.changes.impact import SAFE, Change, Impact, total
from cicd_templates.template.changes.planned_stack import PlannedStack

VALUE_CHARACTERS = 60


def count_by_action(changes: tuple[Change, ...]) -> str:
    """Return the number of changes for each action as text, such as `3 Add, 1 Modify`."""
    return ", ".join(f"{count} {action}" for action, count in total(changes).items()) or "outputs or tags only"


def planned_lines(label: str, planned: PlannedStack) -> list[str]:
    """Return lines that describe what would happen to a stack: each change and its impact."""
    verb = "create" if planned.creates else "update"
    wait = f", up to {format_duration(planned.longest_wait_seconds)}" if planned.changes else ""
    lines = [f"  {label}: {verb}, {count_by_action(planned.changes)}{wait}"]
    # If the stack is created, every line would say "Add", so the lines would only repeat the template.
    if not planned.creates:
        for change, impact in zip(planned.changes, planned.impacts, strict=True):
            lines += [f"    {row(change, impact)}", *(f"      {fact}" for fact in facts(planned, change, impact))]
    return lines + [f"    {note}" for note in (*drift_notes(planned), *planned.findings)]


def row(change: Change, impact: Impact) -> str:
    """Return a line that describes a change: action, logical id, type, impact and properties."""
    meaning = "" if impact.kind == SAFE else f"  {outcome(impact).upper()}"
    properties = f"  [{', '.join(change.properties)}]" if change.properties else ""
    return f"{change.action:<7} {change.logical_id}  {change.resource_type}{meaning}{properties}"


def outcome(impact: Impact) -> str:
    """Return the effect of a change, such as `replacement`, or `perhaps replacement` if it is not certain."""
    return impact.kind if impact.certain else f"perhaps {impact.kind}"


def facts(planned: PlannedStack, change: Change, impact: Impact) -> list[str]:
    """Return the details of a change, one per line: changed values, data, interruptions, and policy statements."""
    lines = [
        f"{detail.path or detail.name}: {short(detail.before)} -> {short(detail.after)}"
        for detail in change.details
        if detail.before or detail.after
    ]
    if impact.holds:
        lines.append(f"{impact.holds}: {impact.fate}")
    if impact.why:
        lines.append(impact.why)
    grants = planned.grants.get(change.logical_id)
    # If the stack is created, every statement is new, so a list would only repeat the template.
    if grants and not planned.creates:
        lines += [f"now: {statement}" for statement in grants.added]
        lines += [f"no longer: {statement}" for statement in grants.removed]
    return lines


def short(value: str) -> str:
    """Return a value as text, cut to `VALUE_CHARACTERS`, because a policy could fill a page."""
    text = " ".join(value.split())
    return text if len(text) <= VALUE_CHARACTERS else f"{text[: VALUE_CHARACTERS - 3]}..."


def drift_lines(drift: StackDrift) -> list[str]:
    """Return lines about the drift of a stack: first the number of changed resources, then one line for each."""
    return [f"  {drift.stack}: {drift_in_words(drift)}", *(f"      {resource.fact}" for resource in drift.resources)]


def drift_in_words(drift: StackDrift) -> str:
    """Return a text that says how many resources of a stack have drifted, and what could not be checked."""
    if not drift.deployed:
        return "not deployed"
    parts = [f"{counted(len(drift.drifted), 'resource')} changed outside CloudFormation"] if drift.drifted else []
    if unknown := len(drift.resources) - len(drift.drifted):
        parts.append(f"{counted(unknown, 'resource')} could not be read")
    if drift.problem:
        parts.append(f"not checked: {drift.problem}")
    return "; ".join(parts) or "as in its template"


def drift_notes(planned: PlannedStack) -> tuple[str, ...]:
    """Return lines about the drift of a stack: what its change set reverts, and what it does not revert."""
    reverts = (
        "reverts what was changed outside CloudFormation; if this fails, the stack returns to its present state",
    )
    return (*(reverts if planned.reverts_drift else ()), *planned.ignored_drift)


def drift_answer(plans: Sequence[Plan]) -> str:
    """Return sentences about the drift of `plans`. There must be at least one plan.

    The sentences say how many resources were changed outside CloudFormation, and which of these changes are reverted.
    """
    stacks = [stack for plan in plans for stack in plan.drift or () if stack.deployed]
    unchecked = [plan.environment for plan in plans if plan.drift is None]
    sentences = [f"Not checked in {', '.join(unchecked)}; `make plan DRIFT=1` checks for drift."] if unchecked else []
    if incomplete := [stack.stack for stack in stacks if stack.unchecked]:
        sentences.insert(0, f"{counted(len(incomplete), 'stack')} could not be checked completely.")
    sentences = [*(f"Not reverted in {names}, because {reason}." for reason, names in _kept_drift(plans)), *sentences]
    reverting = sum(stack.reverts_drift for plan in plans for stack in plan.stacks)
    if drifted := sum(len(stack.drifted) for stack in stacks):
        then = f"This plan reverts the changes in {counted(reverting, 'stack')}."
        not_planned = "A deployment does not reliably revert these changes. Use `make plan REVERT_DRIFT=1`."
        sentences.insert(0, f"{counted(drifted, 'resource')}. {then if reverting else not_planned}")
    elif checked := len(stacks) - len(incomplete):
        sentences.insert(0, f"Nothing. CloudFormation checked {counted(checked, 'stack')}.")
    return " ".join(sentences)


def _kept_drift(plans: Sequence[Plan]) -> list[tuple[str, str]]:
    """Return each reason why drift is not reverted, with the labels of the stacks to which the reason applies."""
    stacks: dict[str, list[str]] = {}
    for plan in plans:
        for label, reason in plan.kept_drift.items():
            stacks.setdefault(reason, []).append(label)
    return [(reason, ", ".join(labels)) for reason, labels in stacks.items()]


def change_sets(made: Plan) -> str:
    """Return words for the change sets of a plan, such as `these 3 change sets`."""
    count = len(made.changing)
    return "this change set" if count == 1 else f"these {count} change sets"
