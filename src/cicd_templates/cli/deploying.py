"""Verbs right of `out/` that change: plan, deploy, destroy."""

from __future__ import annotations

from typing import Any

import click

from cicd_templates.cli import selection
from cicd_templates.cli.command import JSON, TARGET, YES, verb
from cicd_templates.errors import CicdError

CHANGES_PRESENT = 4


@verb(
    "plan",
    *TARGET,
    JSON,
    click.option("--detailed-exitcode", is_flag=True, help="Exit 4 where there are changes."),
)
def plan(as_json: bool, detailed_exitcode: bool, **target: Any) -> None:
    """Show the change sets of the stacks whose inputs exist, and discard them."""
    from cicd_templates.deploy import deployment, report

    reporter = report.reporter(as_json=as_json)
    changing = False
    for each in selection.targets(**target):
        reporter.report(each.heading("Plan of"))
        changing |= deployment.plan(each.clients, each.chosen, each.patience, reporter)
    if changing and detailed_exitcode:
        raise click.exceptions.Exit(CHANGES_PRESENT)


@verb("deploy", *TARGET, YES, JSON)
def deploy(as_json: bool, yes: bool, **target: Any) -> None:
    """Deploy through change sets, stack by stack, each shown before it is executed."""
    from cicd_templates.deploy import report

    reporter = report.reporter(as_json=as_json)
    chosen = selection.targets(**target)
    tools = selection.tools(target["suffix"], target["local"])
    for each in chosen:
        each.deploy(reporter, selection.confirmation(yes), tools)


@verb(
    "destroy",
    *TARGET,
    YES,
    JSON,
    click.option("--allow", default="", help="Protected environments that may be destroyed, by name, with commas."),
)
def destroy(as_json: bool, yes: bool, allow: str, **target: Any) -> None:
    """Take environments down and list what is left and why; exit 1 where something is left unexplained."""
    from cicd_templates.deploy import destroy as destruction
    from cicd_templates.deploy import report

    chosen = selection.targets(**target)[::-1]
    for each in chosen:
        destruction.refuse_protected(each.stacks, each.environment if each.environment in allow.split(",") else None)
    reporter = report.reporter(as_json=as_json)
    confirm = selection.confirmation(yes)
    unexplained = 0
    for each in chosen:
        reporter.report(each.heading("Destroying"))
        if not confirm(f"Delete the stacks of {each.environment} in account {each.account}?"):
            raise CicdError(f"{each.environment}: declined, nothing was deleted")
        unexplained += sum(not remainder.explained for remainder in each.destroy(reporter))
    if unexplained:
        raise CicdError(f"{unexplained} resources are left unexplained; they are listed above")
