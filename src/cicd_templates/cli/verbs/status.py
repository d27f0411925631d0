"""The command `status`, which shows the state of every stack or, with `--left`, the resources that no stack owns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import JSON, TARGET, make_option
from cicd_templates.files.paths import rendered_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cicd_templates.cli.targets import Target
    from cicd_templates.deploy.runs.status import StatusRow


@verb(
    "status",
    *TARGET,
    JSON,
    make_option(
        "--left",
        variable="LEFT",
        is_flag=True,
        help="List the resources that belong to no stack; exit with 1 if it is unknown why a resource exists.",
    ),
)
def status(as_json: bool, left: bool, **options: Any) -> None:
    """Show the state of every stack, the version of its template, and who holds the lock.

    With --left, list the resources that no stack owns instead.
    """
    from dataclasses import asdict

    from cicd_templates.cli.removed_stacks import removed_note
    from cicd_templates.deploy.destruction.orphans import find_removed_stacks
    from cicd_templates.deploy.releases import commits
    from cicd_templates.deploy.runs import status as overview

    if left:
        _show_left(selection.targets(default="all", **options), as_json=as_json)
        return
    git_problem = commits.git_problem(rendered_folder(options["suffix"]))
    by_environment: dict[str, list[overview.StatusRow]] = {}
    opened: list[Target] = []
    for target in selection.targets(default="all", **options):
        rows = overview.status_rows(target.clients, target.stacks, target.chosen, history=not git_problem)
        if target.stacks[0].facts.kind == "tools" and len(target.chosen) == len(target.stacks):
            handed_over = selection.tools(options["suffix"], options["local"]).compare().state
            rows.append(overview.StatusRow("templates for releases", handed_over))
        rows += overview.lock_rows(target.lock())
        by_environment[target.environment] = rows
        opened.append(target)
    if options["env"] in (None, "all") and options["layer"] is None and options["service"] is None:
        by_environment |= _unknown_environments(opened)
    if git_problem:
        terminal.show(f"git cannot tell which commit each stack was deployed from: {git_problem}", err=True)
    if as_json:
        terminal.show_page(
            json.dumps({name: [asdict(row) for row in rows] for name, rows in by_environment.items()}, indent=2)
        )
        return
    _show_rows(by_environment)
    for target in opened:
        if any(row.text == overview.NOT_RENDERED for row in by_environment[target.environment]):
            terminal.show(removed_note(target, find_removed_stacks(target.clients, target.stacks)))


def _show_rows(by_environment: Mapping[str, Sequence[StatusRow]]) -> None:
    """Show a table of all stacks, with a heading for each environment."""
    every = [row for rows in by_environment.values() for row in rows]
    name, state = max(len(row.stack) for row in every), max(len(row.status) for row in every)
    for environment, rows in by_environment.items():
        terminal.show(environment)
        for row in rows:
            terminal.show(
                f"  {row.stack:<{name}}  {row.status:<{state}}  {row.changed:<16}  {row.description}".rstrip()
            )


def _unknown_environments(targets: list[Target]) -> dict[str, list[StatusRow]]:
    """Return status rows for stacks whose environment is not in the configuration, keyed by environment."""
    from cicd_templates.deploy.destruction.orphans import find_unknown_environments
    from cicd_templates.deploy.runs.status import StatusRow

    known = {(target.stacks[0].facts.project, target.stacks[0].facts.environment) for target in targets}
    places = {(target.account, target.stacks[0].region): target for target in targets}
    unknown = {}
    for (account, region), target in places.items():
        for (project, environment), stacks in find_unknown_environments(target.clients, known).items():
            unknown[f"{project}/{environment} in {account} and {region}"] = [
                StatusRow(stack["StackName"], stack["StackStatus"], text="not in the configuration") for stack in stacks
            ]
    return unknown


def _show_left(targets: list[Target], *, as_json: bool) -> None:
    """List the resources of each environment that belong to no stack.

    Raises `CicdError` if it is unknown why one of the resources still exists.
    """
    from cicd_templates.deploy.destruction.remainders import list_remainders, refuse_unexplained
    from cicd_templates.deploy.reporting import report

    reporter = report.reporter(as_json=as_json)
    unexplained = 0
    for target in targets:
        remains = list_remainders(target.clients, target.inventory(), stacks_too=False)
        reporter.report(report.Left(target.environment, tuple(remains)))
        unexplained += sum(not remainder.explained for remainder in remains)
    refuse_unexplained(unexplained)
