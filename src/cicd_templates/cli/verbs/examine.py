"""The commands that change nothing: outputs, status, doctor, recover and deploy-policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from cicd_templates import hints
from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import JSON, SUFFIX, TARGET, option
from cicd_templates.cli.verbs.destroy import show_left
from cicd_templates.errors import CicdError, ConfigurationError

if TYPE_CHECKING:
    from cicd_templates.deploy.recovery.unsettled_stacks import Unsettled


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


@verb(
    "status",
    *TARGET,
    JSON,
    option(
        "--left",
        variable="LEFT",
        is_flag=True,
        help="Show what no stack owns; exit with 1 if something unexplained is left.",
    ),
)
def status(as_json: bool, left: bool, **options: Any) -> None:
    """Show the state of every stack and the version of its template, or what no stack owns."""
    from dataclasses import asdict

    from cicd_templates.deploy.runs import status as overview

    if left:
        show_left(selection.targets(default="all", **options), as_json=as_json)
        return
    by_environment = {}
    for target in selection.targets(default="all", **options):
        rows = overview.status_rows(target.clients, target.stacks, target.chosen)
        if target.stacks[0].facts.kind == "tools" and len(target.chosen) == len(target.stacks):
            handed_over = selection.tools(options["suffix"], options["local"]).compare().state
            rows.append(overview.StatusRow("templates for releases", handed_over))
        by_environment[target.environment] = rows
    if as_json:
        terminal.show_page(
            json.dumps({name: [asdict(row) for row in rows] for name, rows in by_environment.items()}, indent=2)
        )
        return
    every = [row for rows in by_environment.values() for row in rows]
    name, state = max(len(row.stack) for row in every), max(len(row.status) for row in every)
    for environment, rows in by_environment.items():
        terminal.show(environment)
        for row in rows:
            terminal.show(
                f"  {row.stack:<{name}}  {row.status:<{state}}  {row.changed:<16}  {row.description}".rstrip()
            )


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
                terminal.show(f"  {check.verdict:<4} {check.subject}: {check.finding}")
                for line in check.fix.splitlines():
                    terminal.show(f"       {line}")
    if bad := sum(bool(check.fix) for rows in by_environment.values() for check in rows):
        raise CicdError(f"{bad} to fix before deploying")


@verb("recover", *TARGET, JSON)
def recover(as_json: bool, **options: Any) -> None:
    """Show what each unsettled stack needs, with the exact AWS command; run nothing. Exit with 1 if there is one."""
    from dataclasses import asdict

    from cicd_templates.deploy.recovery import unsettled_stacks

    chosen = selection.targets(**options)
    by_environment = {
        target.environment: list(unsettled_stacks.unsettled(target.clients, target.chosen, target.claims()))
        for target in chosen
    }
    if as_json:
        terminal.show_page(
            json.dumps({name: [asdict(row) for row in rows] for name, rows in by_environment.items()}, indent=2)
        )
    else:
        for target in chosen:
            drift_command = unsettled_stacks.drift_command(target.clients, target.chosen)
            _show_recovery(target.environment, by_environment[target.environment], drift_command)
    if count := sum(len(rows) for rows in by_environment.values()):
        raise CicdError(f"{count} to settle by hand; nothing was executed")


def _show_recovery(environment: str, stacks: list[Unsettled], drift_command: str) -> None:
    terminal.show(environment if stacks else f"{environment}: every stack is settled")
    for unsettled in stacks:
        terminal.show(f"  {unsettled.stack}: {unsettled.state}: {unsettled.means}")
        diagnosed = (unsettled.diagnosis.reason, *unsettled.diagnosis.lines) if unsettled.diagnosis else ()
        for fact in (*diagnosed, *unsettled.facts):
            terminal.show(f"      {fact}")
        for command in unsettled.commands:
            terminal.show(f"    {command}")
    if drift_command:
        terminal.show("  nobody has looked for drift; CloudFormation does when asked, and then this shows it:")
        terminal.show(f"    {drift_command}")


@verb(
    "deploy-policy",
    option("--env", "env", variable="ENV", help="The environment to deploy."),
    SUFFIX,
    option(
        "--destroying",
        variable="DESTROYING",
        is_flag=True,
        help="For a principal that also destroys, sweeps and adopts.",
    ),
    option("--part", variable="PART", type=click.IntRange(min=1), help="Print only the document with this number."),
)
def deploy_policy(env: str | None, suffix: str | None, destroying: bool, part: int | None) -> None:
    """Print the IAM policies that deploying an environment needs, as JSON by name, without calling AWS."""
    from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
    from cicd_templates.deploy.permissions.policies import SIZE_LIMIT, policies
    from cicd_templates.paths import rendered_folder

    if env is None:
        raise ConfigurationError(f"which environment is to be deployed? Name it with {hints.option('ENV')}")
    stacks = read_stacks(rendered_folder(suffix) / selection.environment(env, suffix).qualified)
    documents = policies(stacks, destroying=destroying)
    if part is None:
        terminal.show_page(json.dumps(documents, indent=2))
        if len(documents) > 1:
            attach = (
                f"{len(documents)} policies, as a managed policy holds {SIZE_LIMIT:,} characters: attach all of them"
            )
            terminal.show(f"{attach}; {hints.option('PART', 'N')} prints only one", err=True)
    elif part <= len(documents):
        terminal.show_page(json.dumps(list(documents.values())[part - 1], indent=2))
    else:
        raise ConfigurationError(f"there is no part {part}; {env} needs {len(documents)}")
