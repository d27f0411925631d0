"""The command `drift`, which finds changes that were made to deployed stacks outside CloudFormation."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.drift_detection import drift_of
from cicd_templates.cli.options import JSON, TARGET
from cicd_templates.errors import ChangesRemainError, CicdError
from cicd_templates.plurals import counted

if TYPE_CHECKING:
    from cicd_templates.deploy.change_sets.drift import StackDrift


@verb("drift", *TARGET, JSON)
def drift(as_json: bool, **options: Any) -> None:
    """Find changes that were made to the stacks outside CloudFormation. Change nothing.

    Exit with 4 if a change was found. Otherwise, exit with 1 if a stack could not be checked completely, or if no stack
    is deployed.
    """
    from dataclasses import asdict

    by_environment: dict[str, list[StackDrift]] = {}
    for target in selection.targets(**options):
        results = drift_of(target)
        by_environment[target.environment] = results
        if not as_json:
            _show(target.environment, results, "the local AWS" if target.clients.local else "CloudFormation")
            if any(stack.drifted for stack in results):
                plan = target.command("plan")
                terminal.show(f"  put the changes into templates/, or plan to revert them: `{plan} REVERT_DRIFT=1`")
    if as_json:
        terminal.show_page(
            json.dumps({name: [asdict(stack) for stack in stacks] for name, stacks in by_environment.items()}, indent=2)
        )
    every = [stack for stacks in by_environment.values() for stack in stacks]
    unchecked = [stack.stack for stack in every if stack.unchecked]
    incomplete = f"{counted(len(unchecked), 'stack')} could not be checked completely"
    if drifted := sum(len(stack.drifted) for stack in every):
        changed = f"{counted(drifted, 'resource')} changed outside CloudFormation"
        raise ChangesRemainError(f"{changed}; {incomplete}" if unchecked else changed)
    if unchecked:
        raise CicdError(f"no drift was found, but {incomplete}: {', '.join(unchecked)}")
    if not any(stack.deployed for stack in every):
        raise CicdError("none of these stacks is deployed, so nothing was checked")


def _show(environment: str, stacks: list[StackDrift], checker: str) -> None:
    from cicd_templates.deploy.plans.text import drift_lines

    terminal.show(environment)
    unsupported: Counter[str] = Counter()
    for stack in stacks:
        for line in drift_lines(stack):
            terminal.show(line)
        unsupported.update(stack.unsupported)
    if unsupported:
        listed = ", ".join(f"{resource_type} ({number})" for resource_type, number in sorted(unsupported.items()))
        terminal.show(f"  {checker} does not check resources of these types for drift: {listed}")
