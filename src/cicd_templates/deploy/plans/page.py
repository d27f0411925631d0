"""Writes a plan as Markdown, for its reviewer and for a pull request. This module does not call AWS."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.deploy.plans.document import Plan, digest, losses
from cicd_templates.deploy.plans.text import count_by_action, drift_answer, drift_lines, drift_notes, facts, outcome
from cicd_templates.markdown import Markup, cell, code, plain, table_row
from cicd_templates.template.changes.duration import format_duration
from cicd_templates.template.changes.impact import SAFE
from cicd_templates.template.changes.planned_stack import PlannedStack


def plan_markdown(plan: Plan) -> str:
    """Return the plan as a Markdown page: first the data that would be lost, then a table for each stack."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield f"# {plain(f'Plan of {plan.environment}')}"
    yield ""
    where = f"{plan.account}, {plan.region}{' (local AWS)' if plan.local else ''}"
    yield f"- account {plain(where)}, by {code(plan.caller)}"
    yield f"- revision {plain(plan.revision or 'unknown')}"
    yield f"- made {plan.created:%Y-%m-%d %H:%M} UTC, valid until {plan.expires:%Y-%m-%d %H:%M} UTC"
    yield f"- digest `{digest(plan)}`"
    lost = losses(plan)
    if lost:
        yield ""
        yield "## Data that would be lost"
        yield ""
        yield from (f"- {plain(loss.words)}" for loss in lost)
        yield ""
        allow = code(f"ALLOW={','.join(loss.name for loss in lost)}")
        yield f"A deployment of this plan must allow the loss of each of these resources: {allow}."
    yield ""
    yield "## Changed outside CloudFormation"
    yield ""
    yield plain(drift_answer([plan]))
    drifted = [stack for stack in plan.drift or () if not stack.is_clean]
    if drifted:
        yield ""
        yield from (f"- {plain(line.strip())}" for stack in drifted for line in drift_lines(stack))
    for stack in plan.changing:
        yield ""
        yield from _stack(stack)
    unchanged = [stack.label for stack in plan.stacks if not stack.is_changing and stack.label not in plan.moved]
    yield ""
    yield f"Nothing to change: {plain(', '.join(unchanged) or 'none')}."
    if plan.moved:
        yield f"Stacks to plan again, because they read a value that changes: {plain(', '.join(plan.moved))}."
    for label, after in plan.waits.items():
        yield f"{plain(label)} waits for the deployment of {plain(', '.join(after))}."


def _stack(stack: PlannedStack) -> Iterator[str]:
    verb = "create" if stack.creates else "update"
    yield f"## {plain(f'{stack.label}: {verb}, {count_by_action(stack.changes)}')}"
    yield ""
    yield f"Template {code(stack.template_sha256[:12])}, at most {format_duration(stack.longest_wait_seconds)}."
    yield from (f"\n- {plain(note)}" for note in (*drift_notes(stack), *stack.findings))
    if stack.changes:
        yield ""
        yield "| action | resource | type | meaning | notes |"
        yield "|---|---|---|---|---|"
    for change, impact in zip(stack.changes, stack.impacts, strict=True):
        meaning = outcome(impact) if impact.kind == SAFE else Markup(f"**{cell(outcome(impact))}**")
        known = facts(stack, change, impact) or ([", ".join(change.properties)] if change.properties else [])
        cells = [change.action, change.logical_id, change.resource_type, meaning, Markup("<br>".join(map(cell, known)))]
        yield table_row(cells)
