"""The command `recover`, which shows how to repair stacks that block the next deployment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import JSON, TARGET
from cicd_templates.errors import CicdError
from cicd_templates.plurals import counted

if TYPE_CHECKING:
    from cicd_templates.deploy.recovery.unsettled_stacks import Unsettled


@verb("recover", *TARGET, JSON)
def recover(as_json: bool, **options: Any) -> None:
    """Show the exact AWS commands that repair stacks which block the next deployment. The commands are not run.

    Exit with 1 if a stack needs a repair.
    """
    from dataclasses import asdict

    from cicd_templates.deploy.recovery import unsettled_stacks

    chosen = selection.targets(**options)
    by_environment = {
        target.environment: list(
            unsettled_stacks.unsettled(target.clients, target.chosen, target.claims(), target.stacks)
        )
        for target in chosen
    }
    if as_json:
        terminal.show_page(
            json.dumps({name: [asdict(row) for row in rows] for name, rows in by_environment.items()}, indent=2)
        )
    else:
        for target in chosen:
            _show_recovery(target.environment, by_environment[target.environment])
            if unsettled_stacks.never_checked_for_drift(target.clients, target.chosen):
                terminal.show(f"  drift was never checked; `{target.command('drift')}` checks it")
    if count := sum(len(rows) for rows in by_environment.values()):
        raise CicdError(f"{counted(count, 'problem')} to repair by hand; this command changed nothing")


def _show_recovery(environment: str, stacks: list[Unsettled]) -> None:
    terminal.show(environment if stacks else f"{environment}: no stack needs a repair")
    for unsettled in stacks:
        terminal.show(f"  {unsettled.stack}: {unsettled.state}: {unsettled.means}")
        diagnosed = (unsettled.diagnosis.reason, *unsettled.diagnosis.lines) if unsettled.diagnosis else ()
        for fact in (*diagnosed, *unsettled.facts):
            terminal.show(f"      {fact}")
        for command in unsettled.commands:
            terminal.show(f"    {command}")
