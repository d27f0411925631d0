"""Finds the plans and the interrupted runs on this machine that still need a stack.

Reads the plan files and the journal of an environment; does not call AWS.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from cicd_templates import hints
from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.runs.journal import Journal
from cicd_templates.errors import CicdError
from cicd_templates.template.stack_template import StackTemplate


@dataclass(frozen=True)
class Claim:
    """Unfinished work on a stack: a plan file or an interrupted run. The stack may still have no resources.

    `fact` is a sentence about the plan or run. Each of `commands` continues or discards the plan or run.
    """

    fact: str
    commands: tuple[str, ...]


def claims(state: Path, stack: StackTemplate, *, local: bool) -> dict[str, Claim]:
    """Return a `Claim` for each stack that a plan file or an interrupted run still needs, keyed by stack name.

    The result covers the whole environment of `stack`. `state` is the folder with the plan files and the journals.
    Raises `CicdError` if the journal cannot be read.
    """
    environment = stack.links.environment
    journal = Journal(state / "runs", environment).read()
    again = hints.make("plan", **stack.make_variables, LOCAL=local)
    by_stack = {
        name: Claim("an interrupted run created change sets for the stack, and the next plan replaces them", (again,))
        for names in journal.proposals.values()
        for name in names
    }
    for entry in journal.entries.values():
        going_on = hints.make("deploy", PLAN=entry.plan, LOCAL=local)
        by_stack[entry.stack] = Claim(f"an interrupted run of {entry.plan} still needs the stack", (going_on,))
    for path in plans.files(state / "plans", environment):
        # A plan file that was edited is not valid any more, so it claims nothing.
        with contextlib.suppress(CicdError):
            made = plans.read(path)
            commands = tuple(hints.make(verb, PLAN=str(path), LOCAL=local) for verb in ("deploy", "plan-discard"))
            fact = f"the plan {path} still needs the stack, until {made.expires:%Y-%m-%d %H:%M} UTC"
            by_stack |= {planned.name: Claim(fact, commands) for planned in made.changing}
    return by_stack
