"""Verbs right of `out/` that only look: outputs, status, doctor, recover, deploy-policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from cicd_templates import hints
from cicd_templates.cli import selection
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import JSON, SUFFIX, TARGET, option
from cicd_templates.cli.verbs.destroy import show_left
from cicd_templates.errors import CicdError, ConfigurationError

if TYPE_CHECKING:
    from cicd_templates.deploy.recovery.unsettled_stacks import Unsettled


@verb("outputs", *TARGET, JSON)
def outputs(as_json: bool, **target: Any) -> None:
    """Show what the deployed stacks give out."""
    from cicd_templates.deploy.runs import status as overview

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
    option(
        "--left",
        variable="LEFT",
        is_flag=True,
        help="Show what is beside the stacks; exit 1 where nothing explains it.",
    ),
)
def status(as_json: bool, left: bool, **target: Any) -> None:
    """Show the state of every stack, whose text it runs and what the pipeline has of it, or what is beside them."""
    from dataclasses import asdict

    from cicd_templates.deploy.runs import status as overview

    if left:
        show_left(selection.targets(default="all", **target), as_json=as_json)
        return
    found = {}
    for each in selection.targets(default="all", **target):
        rows = overview.status_rows(each.clients, each.stacks, each.chosen)
        if each.stacks[0].facts.kind == "tools" and len(each.chosen) == len(each.stacks):
            handed_over = selection.tools(target["suffix"], target["local"]).handed_over()
            rows.append(overview.Row("templates for releases", handed_over))
        found[each.environment] = rows
    if as_json:
        click.echo(json.dumps({name: [asdict(row) for row in rows] for name, rows in found.items()}, indent=2))
        return
    every = [row for rows in found.values() for row in rows]
    name, state = max(len(row.stack) for row in every), max(len(row.status) for row in every)
    for environment, rows in found.items():
        click.echo(environment)
        for row in rows:
            click.echo(f"  {row.stack:<{name}}  {row.status:<{state}}  {row.changed:<16}  {row.told}".rstrip())


@verb("doctor", *TARGET, JSON)
def doctor(as_json: bool, **target: Any) -> None:
    """Look at what would make a deployment fail; exit 1 where something would."""
    from dataclasses import asdict

    from cicd_templates.deploy import doctor as examination

    found = {}
    for each in selection.targets(checked=False, **target):
        settings = selection.environment(each.stacks[0].facts.environment, target["suffix"]).settings
        examined = examination.ExaminedEnvironment(each.clients, each.stacks, settings.provided)
        found[each.environment] = list(examination.examine(examined))
    if as_json:
        click.echo(json.dumps({name: [asdict(check) for check in rows] for name, rows in found.items()}, indent=2))
    else:
        for environment, rows in found.items():
            click.echo(environment)
            for check in rows:
                click.echo(f"  {check.verdict:<4} {check.subject}: {check.finding}")
                for line in check.fix.splitlines():
                    click.echo(f"       {line}")
    if bad := sum(bool(check.fix) for rows in found.values() for check in rows):
        raise CicdError(f"{bad} to fix before deploying")


@verb("recover", *TARGET, JSON)
def recover(as_json: bool, **target: Any) -> None:
    """Say what each unsettled stack needs, with the exact AWS command; runs none. Exit 1 where there is any."""
    from dataclasses import asdict

    from cicd_templates.deploy.recovery import unsettled_stacks

    chosen = selection.targets(**target)
    found = {
        each.environment: list(unsettled_stacks.unsettled(each.clients, each.chosen, each.claims())) for each in chosen
    }
    if as_json:
        click.echo(json.dumps({name: [asdict(each) for each in rows] for name, rows in found.items()}, indent=2))
    else:
        for each in chosen:
            _show_recovery(
                each.environment, found[each.environment], unsettled_stacks.looking_for_drift(each.clients, each.chosen)
            )
    if count := sum(len(rows) for rows in found.values()):
        raise CicdError(f"{count} to settle by hand; nothing was executed")


def _show_recovery(environment: str, found: list[Unsettled], looking: str) -> None:
    click.echo(environment if found else f"{environment}: every stack is settled")
    for each in found:
        click.echo(f"  {each.stack}: {each.state}: {each.means}")
        diagnosed = (each.diagnosis.reason, *each.diagnosis.lines) if each.diagnosis else ()
        for fact in (*diagnosed, *each.facts):
            click.echo(f"      {fact}")
        for command in each.commands:
            click.echo(f"    {command}")
    if looking:
        click.echo("  nobody has looked for drift; CloudFormation does when asked, and then this shows it:")
        click.echo(f"    {looking}")


@verb(
    "deploy-policy",
    option("--env", "env", variable="ENV", help="The environment that is to be deployed."),
    SUFFIX,
    option(
        "--destroying",
        variable="DESTROYING",
        is_flag=True,
        help="For a principal that also destroys, sweeps and adopts.",
    ),
    option("--part", variable="PART", type=click.IntRange(min=1), help="Print the document of this number alone."),
)
def deploy_policy(env: str | None, suffix: str | None, destroying: bool, part: int | None) -> None:
    """Print the IAM policies that a principal needs to deploy an environment, as JSON by name; calls no AWS."""
    from cicd_templates.deploy.change_sets.stacks import read_stacks
    from cicd_templates.deploy.permissions.policies import SIZE_LIMIT, policies
    from cicd_templates.paths import rendered_folder

    if env is None:
        raise ConfigurationError(f"which environment is to be deployed? Name it with {hints.option('ENV')}")
    stacks = read_stacks(rendered_folder(suffix) / selection.environment(env, suffix).qualified)
    documents = policies(stacks, destroying=destroying)
    if part is None:
        click.echo(json.dumps(documents, indent=2))
        if len(documents) > 1:
            attach = (
                f"{len(documents)} policies, as a managed policy holds {SIZE_LIMIT:,} characters: attach all of them"
            )
            click.echo(f"{attach}; {hints.option('PART', 'N')} prints only one", err=True)
    elif part <= len(documents):
        click.echo(json.dumps(list(documents.values())[part - 1], indent=2))
    else:
        raise ConfigurationError(f"there is no part {part}; {env} needs {len(documents)}")
