"""The command `outputs`, which shows the CloudFormation outputs of deployed stacks."""

from __future__ import annotations

import json
from typing import Any

from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import JSON, TARGET


@verb("outputs", *TARGET, JSON)
def outputs(as_json: bool, **options: Any) -> None:
    """Show the outputs of the deployed stacks."""
    from cicd_templates.deploy.runs import status as overview

    by_environment = {
        target.environment: overview.outputs(target.clients, target.chosen)
        for target in selection.targets(default="all", **options)
    }
    if as_json:
        terminal.show_page(json.dumps(by_environment, indent=2))
        return
    names = [name for stacks in by_environment.values() for values in stacks.values() for name in values]
    width = max(map(len, names), default=0)
    for environment, stacks in by_environment.items():
        terminal.show(environment if stacks else f"{environment}: nothing is deployed")
        for stack, values in stacks.items():
            terminal.show(f"  {stack}")
            for name, value in values.items():
                terminal.show(f"    {name:<{width}}  {value}")
