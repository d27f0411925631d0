"""Verbs right of `out/` that only look: outputs, status, doctor."""

from __future__ import annotations

import json
from typing import Any

import click

from cicd_templates.cli import destroying, selection
from cicd_templates.cli.command import JSON, TARGET, verb
from cicd_templates.errors import CicdError


@verb("outputs", *TARGET, JSON)
def outputs(as_json: bool, **target: Any) -> None:
    """Show what the deployed stacks give out."""
    from cicd_templates.deploy import overview

    found = {
        each.environment: overview.outputs(each.clients, each.chosen)
        for each in selection.targets(default="all", **target)
    }
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    width = max((len(name) for stacks in found.values() for values in stacks.values() for name in values), default=0)
    for environment, stacks in found.items():
        click.echo(environment if stacks else f"{environment}: nothing is deployed")
        for stack, values in stacks.items():
            click.echo(f"  {stack}")
            for name, value in values.items():
                click.echo(f"    {name:<{width}}  {value}")


@verb(
    "status",
    *TARGET,
    JSON,
    click.option("--left", is_flag=True, help="Show what is beside the stacks; exit 1 where nothing explains it."),
)
def status(as_json: bool, left: bool, **target: Any) -> None:
    """Show the state of every stack, or what is left beside them."""
    from dataclasses import asdict

    from cicd_templates.deploy import overview

    if left:
        destroying.show_left(selection.targets(default="all", **target), as_json=as_json)
        return
    found = {
        each.environment: overview.status_rows(each.clients, each.chosen)
        for each in selection.targets(default="all", **target)
    }
    if as_json:
        click.echo(json.dumps({name: [asdict(row) for row in rows] for name, rows in found.items()}, indent=2))
        return
    width = max(len(row.stack) for rows in found.values() for row in rows)
    for environment, rows in found.items():
        click.echo(environment)
        for row in rows:
            click.echo(f"  {row.stack:<{width}}  {row.status:<24}  {row.changed}".rstrip())


@verb("doctor", *TARGET, JSON)
def doctor(as_json: bool, **target: Any) -> None:
    """Look at what would make a first deployment fail; exit 1 where something would."""
    from dataclasses import asdict

    from cicd_templates.deploy import doctor as examination

    found = {
        each.environment: list(examination.checks(each.clients, each.stacks))
        for each in selection.targets(checked=False, **target)
    }
    if as_json:
        click.echo(json.dumps({name: [asdict(check) for check in rows] for name, rows in found.items()}, indent=2))
    else:
        for environment, rows in found.items():
            click.echo(environment)
            for check in rows:
                click.echo(f"  {'fix' if check.fix else 'ok ':<4} {check.subject}: {check.finding}")
                if check.fix:
                    click.echo(f"       {check.fix}")
    if bad := sum(bool(check.fix) for rows in found.values() for check in rows):
        raise CicdError(f"{bad} to fix before deploying")
