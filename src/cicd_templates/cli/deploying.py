"""Verbs right of `out/` that bring environments up: plan, deploy."""

from __future__ import annotations

from typing import Any

import click

from cicd_templates.cli import selection
from cicd_templates.cli.command import JSON, TARGET, YES, verb

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
