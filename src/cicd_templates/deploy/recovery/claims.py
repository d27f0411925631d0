"""Who on this machine may still want a stack that was never created: a plan that lies here, or an interrupted run.

Reads the plans and the journal of an environment, and calls no AWS.
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
    """Why a stack is wanted, in a line, and the commands that settle it, the first to be tried first."""

    fact: str
    commands: tuple[str, ...]


def claims(state: Path, stack: StackTemplate, *, local: bool) -> dict[str, Claim]:
    """The claims on stacks of the environment of `stack`, by their names; `state` is the folder for plans and runs.

    Raises `CicdError` where the journal is none.
    """
    environment = stack.links.environment
    journal = Journal(state / "runs", environment).read()
    again = hints.make("plan", **stack.make_variables, LOCAL=local)
    found = {
        name: Claim("an interrupted run made change sets for it, and the next plan is beside them", (again,))
        for names in journal.proposals.values()
        for name in names
    }
    for entry in journal.entries.values():
        going_on = hints.make("deploy", PLAN=entry.plan, LOCAL=local)
        found[entry.stack] = Claim(f"an interrupted run of {entry.plan} wants it", (going_on,))
    for path in plans.files(state / "plans", environment):
        # One that was touched is no plan any more, and wants nothing.
        with contextlib.suppress(CicdError):
            made = plans.read(path)
            commands = tuple(hints.make(verb, PLAN=str(path), LOCAL=local) for verb in ("deploy", "plan-discard"))
            told = f"the plan {path} wants it, until {made.expires:%Y-%m-%d %H:%M} UTC"
            found |= {planned.name: Claim(told, commands) for planned in made.changing}
    return found
