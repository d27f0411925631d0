"""The command `adopt`. It imports the resources that were kept when a protected environment was destroyed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import TARGET, YES
from cicd_templates.errors import CicdError


@verb("adopt", *TARGET, YES)
def adopt(yes: bool, **options: Any) -> None:
    """Import the resources that the destruction of a protected environment kept.

    After the import, the environment can be deployed again.
    """
    from cicd_templates.deploy.change_sets.aws_commands import for_caller
    from cicd_templates.deploy.destruction import reimport

    for target in selection.targets(**options):
        reimports = reimport.find_reimports(target.clients, target.chosen, target.stacks)
        if not reimports:
            terminal.show(f"{target.environment}: nothing to import")
        for import_plan in reimports:
            terminal.show(f"{target.environment}: {import_plan.stack.label} imports")
            for owned in import_plan.resources:
                terminal.show(f"  {owned.resource_type} {owned.physical_id}")
            terminal.show("  by the same steps as these commands:")
            for command in import_plan.write(target.state / "adopt"):
                terminal.show(f"    {for_caller(command, target.clients, target.account)}")
            if not selection.confirmation(yes)(f"Import them into {import_plan.stack.name}?"):
                raise CicdError(f"{import_plan.stack.name}: declined, nothing was imported")
            with target.lock().held("adopt", target.caller, datetime.now(UTC)):
                reimport.import_resources(target.clients, import_plan, target.polling)
            terminal.show(f"  {import_plan.stack.label}: imported")
