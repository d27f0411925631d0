"""Formats a rehearsal's report: one line per finished action, then limitations, IAM grants and the critical path."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from cicd_templates.markdown import table_row
from cicd_templates.plurals import counted
from cicd_templates.printable import printable_lines
from cicd_templates.rehearsal.grants import GrantedAction, GrantUse, unexplained_grants
from cicd_templates.rehearsal.pipeline_definition import Pipeline
from cicd_templates.rehearsal.result import ActionProgress, ActionState, RehearsalResult, critical_path

LINE_WIDTH = 80
# How many of the lines that the tasks of an action have printed are shown with the action.
PRINTED_LINES = 3
STATE_MARKS = {ActionState.SUCCEEDED: "ok", ActionState.FAILED: "FAILED", ActionState.NOT_REACHED: "..."}


def heading(pipeline: Pipeline, stacks: int, seconds: float | None) -> str:
    """Return the first lines of the report, which are printed as soon as all stacks are deployed.

    `seconds` is None if the stacks were already deployed for the rehearsal of another service.
    """
    if seconds is None:
        deployed = f"{counted(stacks, 'stack')} were already deployed to this local AWS, which enforces IAM"
    else:
        deployed = f"{counted(stacks, 'stack')} deployed in {seconds:.1f} s to a local AWS that enforces IAM"
    return f"Rehearsing {pipeline.name}\n  {deployed}"


def progress(step: ActionProgress) -> str:
    """Return one line with the result of an action that has ended, and the lines with details.

    The details of a failed action are the error and the end of the log. The details of any other action are the last
    lines that its tasks have printed.
    """
    line = f"  {step.path:<40} {STATE_MARKS[step.state]:<6} {step.seconds:6.1f} s"
    if step.state is not ActionState.FAILED:
        # Applications print texts of any length.
        printed = [text for each in step.printed[-PRINTED_LINES:] for text in printable_lines(each).splitlines()]
        return "\n".join([line, *(f"    | {textwrap.shorten(text, LINE_WIDTH - 6)}" for text in printed)])
    lines = [line, *_wrapped(step.error, "    ")]
    # A function's metrics are lines of its log too, in CloudWatch's embedded metric format. They are for machines.
    log = [text for text in printable_lines(step.log.strip()).splitlines() if not text.startswith('{"_aws"')]
    if log:
        lines += ["    end of its log:", *(f"    | {text}" for text in log[-25:])]
    return "\n".join(lines)


def _wrapped(text: str, indent: str, hanging: str = "  ") -> Iterator[str]:
    for line in printable_lines(text).splitlines():
        yield from textwrap.wrap(
            line, LINE_WIDTH, initial_indent=indent, subsequent_indent=indent + hanging, break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip


def closing_lines(result: RehearsalResult) -> str:
    """Return the closing lines of the report."""
    lines = ["", "Differences from AWS:"]
    lines += [line for each in result.differences for line in _wrapped(f"all actions: {each}", "  ")]
    for note, paths in _notes(result.steps).items():
        lines += _wrapped(f"{', '.join(paths)}: {note}", "  ")
    lines += ["", "Parts of the definition that are not rehearsed:"]
    lines += [line for each in result.uninterpreted for line in _wrapped(each, "  ")]
    lines += ["", "Resource types that the local AWS records but does not create:"]
    lines += _wrapped(", ".join(result.recorded), "  ", "")
    lines += ["", *_permissions(result.grants, ended=result.succeeded), "", "Critical path:"]
    for step in critical_path(result.steps):
        phases = ", ".join(f"{name} {seconds:.1f}" for name, seconds in step.phases.items() if seconds >= 0.05)
        lines.append(f"  {step.path:<40} {step.seconds:6.1f} s{f'   {phases}' if phases else ''}")
    lines += ["", *_wrapped(outcome_line(result), "", "")]
    return "\n".join(lines)


def _notes(steps: Iterable[ActionProgress]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for step in steps:
        for note in step.notes:
            found.setdefault(note, []).append(step.path)
    return found


def _permissions(grants: Sequence[GrantedAction], *, ended: bool) -> Iterator[str]:
    counts = {use: sum(grant.use is use for grant in grants) for use in GrantUse}
    roles = {use: len({grant.role for grant in grants if grant.use is use}) for use in GrantUse}
    yield (
        f"IAM: {counts[GrantUse.USED]} of {counts[GrantUse.USED] + counts[GrantUse.UNUSED]} granted actions used by"
        f" {roles[GrantUse.USED]} roles"
    )
    for use, which in ((GrantUse.NOT_MEASURED, " of CloudFormation, ECS and VPC"), (GrantUse.NOT_PART, "")):
        yield f"  {use.value:<18} {counts[use]} of {roles[use]} roles{which}"
    if not ended:
        # Actions after the failure did not run, so their grants would look unused.
        yield "  the unused grants are listed only after a complete run"
        return
    for grant in unexplained_grants(grants):
        yield f"  unused without a known reason: {grant.role} {grant.statement} {grant.action}"


def outcome_line(result: RehearsalResult) -> str:
    """Return the outcome in one line. If the run did not succeed, the line states the cause."""
    if result.succeeded:
        placeholders = ", ".join(step.path for step in result.with_placeholders)
        but = f" but not shown: {placeholders} (see above);" if placeholders else ""
        return (
            f"{result.pipeline}: no problem found in definition, permissions and reports, in {result.seconds:.1f} s;"
            f"{but} docs/rehearsal.md lists what a rehearsal does not cover"
        )
    failed = ", ".join(step.path for step in result.failed)
    return f"{result.pipeline} failed at {failed}" if failed else f"{result.pipeline}: {result.problem}"


def matrix(grants: Sequence[GrantedAction]) -> str:
    """Return a Markdown table with a row for each grant: the role, the action, and whether the rehearsal used it."""
    lines = ["| role | statement | action | in a rehearsal | why it is granted |", "|---|---|---|---|---|"]
    for grant in grants:
        lines.append(table_row((grant.role, grant.statement, grant.action, grant.use.value, grant.reason)))
    return "\n".join(lines) + "\n"
