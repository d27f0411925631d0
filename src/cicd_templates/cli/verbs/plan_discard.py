"""The command `plan-discard`, which deletes plans and their change sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import TARGET, make_option
from cicd_templates.plurals import counted


@verb(
    "plan-discard",
    *TARGET,
    make_option(
        "--plan",
        "plan_file",
        variable="PLAN",
        narrows=True,
        type=click.Path(path_type=Path),
        help="Discard only this plan; by default, all plans of the environment.",
    ),
)
def plan_discard(plan_file: Path | None, **options: Any) -> None:
    """Delete plans and the change sets that they left in AWS."""
    if plan_file is not None and not options["env"]:
        from cicd_templates.deploy.plans import document as plans

        made = plans.read(plan_file)
        options |= {"env": made.name, "suffix": made.suffix or None}
    for target in selection.targets(**options):
        count = target.discard(plan_file)
        terminal.show(f"{target.environment}: discarded {counted(count, 'change set')}")
