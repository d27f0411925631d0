"""What a person sees of a rehearsal: a line for each action as it ends, then what stood in, IAM, and the time."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from cicd_templates.rehearsal.definition import Pipeline
from cicd_templates.rehearsal.grants import Grant, Use, unexplained
from cicd_templates.rehearsal.result import Result, State, Step, critical_path, printable

WIDTH = 80
MARKS = {State.SUCCEEDED: "ok", State.FAILED: "FAILED", State.NOT_REACHED: "..."}


def heading(pipeline: Pipeline, stacks: int, seconds: float) -> str:
    """The first line, when everything is deployed."""
    deployed = f"{stacks} stacks deployed in {seconds:.1f} s to a local AWS that enforces IAM"
    return f"Rehearsing {pipeline.name}\n  {deployed}"


def progress(step: Step) -> str:
    """A line for an action that has ended, with its log below it where it failed."""
    line = f"  {step.path:<40} {MARKS[step.state]:<6} {step.seconds:6.1f} s"
    if step.state is not State.FAILED:
        return line
    told = [line, *_wrapped(step.error, "    ")]
    if step.log.strip():
        told += ["    the end of its log:", *(f"    | {text}" for text in printable(step.log).splitlines()[-25:])]
    return "\n".join(told)


def _wrapped(text: str, indent: str, hanging: str = "  ") -> Iterator[str]:
    for line in printable(text).splitlines():
        yield from textwrap.wrap(
            line, WIDTH, initial_indent=indent, subsequent_indent=indent + hanging, break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip


def summary(result: Result) -> str:
    """What is said at the end."""
    lines = ["", "Not what it will be in AWS:"]
    for note, paths in _notes(result.steps).items():
        lines += _wrapped(f"{', '.join(paths)}: {note}", "  ")
    lines += ["", "In the definition, not interpreted here:"]
    lines += [line for each in result.uninterpreted for line in _wrapped(each, "  ")]
    lines += ["", "Types that are only recorded, not built:"]
    lines += _wrapped(", ".join(result.recorded), "  ", "")
    lines += ["", *_permissions(result.grants, ended=result.succeeded), "", "What the end waited for:"]
    for step in critical_path(result.steps):
        phases = ", ".join(f"{name} {seconds:.1f}" for name, seconds in step.phases.items() if seconds >= 0.05)
        lines.append(f"  {step.path:<40} {step.seconds:6.1f} s{f'   {phases}' if phases else ''}")
    lines += ["", *_wrapped(verdict(result), "", "")]
    return "\n".join(lines)


def _notes(steps: Iterable[Step]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for step in steps:
        for note in step.notes:
            found.setdefault(note, []).append(step.path)
    return found


def _permissions(grants: Sequence[Grant], *, ended: bool) -> Iterator[str]:
    counts = {use: sum(grant.use is use for grant in grants) for use in Use}
    roles = {use: len({grant.role for grant in grants if grant.use is use}) for use in Use}
    yield (
        f"IAM: {counts[Use.USED]} of {counts[Use.USED] + counts[Use.UNUSED]} granted actions used by"
        f" {roles[Use.USED]} roles"
    )
    for use, which in ((Use.NOT_MEASURED, " of CloudFormation, ECS and VPC"), (Use.NOT_PART, "")):
        yield f"  {use.value:<18} {counts[use]} of {roles[use]} roles{which}"
    if not ended:
        # What was to come after the stop would have used its grants.
        yield "  which grants nothing uses is said of a run that comes to its end only"
        return
    for grant in unexplained(grants):
        yield f"  unused, and no reason known: {grant.role} {grant.statement} {grant.action}"


def verdict(result: Result) -> str:
    """How it ended, in a line that names what stopped it."""
    if result.succeeded:
        return (
            f"{result.pipeline}: no problem of definition, permissions or reports found in {result.seconds:.1f} s;"
            " docs/rehearsal.md says what that does not cover"
        )
    failed = ", ".join(step.path for step in result.failed)
    return f"{result.pipeline} stops at {failed}" if failed else f"{result.pipeline}: {result.problem}"


def matrix(grants: Sequence[Grant]) -> str:
    """Granted and used actions of every role in a table of Markdown."""
    lines = ["| role | statement | action | in a rehearsal | why it is granted all the same |", "|---|---|---|---|---|"]
    for grant in grants:
        lines.append(f"| {grant.role} | {grant.statement} | {grant.action} | {grant.use.value} | {grant.reason} |")
    return "\n".join(lines) + "\n"
