"""The command `doctor`, which looks for problems before a deployment."""

from __future__ import annotations

import json
from typing import Any

from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import JSON, TARGET
from cicd_templates.errors import CicdError


@verb("doctor", *TARGET, JSON)
def doctor(as_json: bool, **options: Any) -> None:
    """Look for problems that would make a deployment fail; exit with 1 if there are any."""
    from dataclasses import asdict

    from cicd_templates.deploy import doctor as examination

    by_environment = {}
    for target in selection.targets(checked=False, **options):
        settings = selection.environment(target.stacks[0].facts.environment, options["suffix"]).settings
        examined = examination.ExaminedEnvironment(target.clients, target.stacks, settings.provided)
        by_environment[target.environment] = list(examination.examine(examined))
    if as_json:
        document = {name: [asdict(check) for check in rows] for name, rows in by_environment.items()}
        terminal.show_page(json.dumps(document, indent=2))
    else:
        for environment, rows in by_environment.items():
            terminal.show(environment)
            for check in rows:
                terminal.show(f"  {check.status:<4} {check.subject}: {check.finding}")
                for line in check.fix.splitlines():
                    terminal.show(f"       {line}")
    if bad := sum(bool(check.fix) for rows in by_environment.values() for check in rows):
        raise CicdError(f"{bad} to fix before deploying")
