"""The command `destroy`, which destroys environments."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cicd_templates import hints
from cicd_templates.cli import selection, terminal
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import DIGEST, JSON, TARGET, YES, make_option
from cicd_templates.errors import ChangesRemainError, CicdError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cicd_templates.cli.targets import Target
    from cicd_templates.deploy.destruction.inventory import Inventory
    from cicd_templates.deploy.reporting.report import Reporter


@verb(
    "destroy",
    *TARGET,
    YES,
    JSON,
    make_option(
        "--allow",
        variable="ALLOW",
        default="",
        help="Names of protected environments that may be destroyed, separated with commas.",
    ),
    make_option(
        "--plan", variable="PLAN", narrows=True, type=click.Path(path_type=Path), help="Execute exactly this plan."
    ),
    DIGEST,
    make_option(
        "--confirm",
        variable="CONFIRM",
        help="Confirm --plan with the names of the environments to destroy, separated with commas; default: ask.",
    ),
)
def destroy(
    as_json: bool,
    yes: bool,
    allow: str,
    plan: Path | None,
    digest: str | None,
    confirm: str | None,
    **options: Any,
) -> None:
    """Destroy environments and list what is left. Exit with 1 if anything is left for an unknown reason.

    A protected environment is destroyed by two commands. The first command, with --allow, deletes nothing: it writes a
    plan and exits with 4. The plan is destroy-plan.json or, for the local AWS, a file in .state/local/. The second
    command, with --plan, executes this plan.
    """
    from cicd_templates.deploy.reporting import report

    if plan is None and confirm is not None:
        raise ConfigurationError(
            f"{hints.option('CONFIRM')} can be used only with {hints.option('PLAN')}; "
            f"for a disposable environment, use {hints.option('YES', value=True)}"
        )
    if plan is None and digest is not None:
        raise ConfigurationError(f"{hints.option('DIGEST')} can be used only with {hints.option('PLAN')}")
    reporter = report.reporter(as_json=as_json)
    with selection.detaching():
        if plan is not None:
            _execute_plan(plan, digest, confirm, reporter, **options)
        else:
            _destroy(reporter, yes, allow.split(","), **options)


def _destroy(reporter: Reporter, yes: bool, allowed: list[str], **options: Any) -> None:
    """Ask the user, then destroy the environments. If one of them is protected, write a plan instead and exit."""
    from cicd_templates.deploy.destruction import guards, plan_file
    from cicd_templates.deploy.reporting import report
    from cicd_templates.deploy.reporting.plan_commands import digest_line

    work = [(target, target.inventory()) for target in selection.targets(**options, removed=True)[::-1]]
    for target, inventory in work:
        command = target.command("destroy")
        guards.refuse_protected(target.environment, allowed, protected=inventory.protected, make=command)
        target.refuse_destruction(inventory)
    _show(work, reporter)
    guarded = any(inventory.protected for _, inventory in work)
    if guarded and not (options["local"] and yes):
        path = plan_file.plan_file(local=options["local"])
        inventories = [inventory for _, inventory in work]
        plan = plan_file.plan_destruction(inventories, datetime.now(UTC), local=options["local"])
        plan_file.DESTRUCTION_PLANS.write(plan, path)
        command = hints.make("destroy", PLAN=str(path), LOCAL=options["local"])
        reporter.report(report.Note(f"nothing was deleted; read {path}, then run: {command}"))
        reporter.report(report.Note(digest_line(plan_file.DESTRUCTION_PLANS.digest(plan))))
        raise click.exceptions.Exit(ChangesRemainError.exit_code)
    confirmed = selection.confirmation(yes)
    for target, inventory in work:
        anything = inventory.stacks or inventory.to_delete
        if anything and not confirmed(f"Delete the stacks of {target.environment} in account {target.account}?"):
            raise CicdError(f"{target.environment}: declined, nothing was deleted")
    _carry_out(work, reporter)


def _execute_plan(path: Path, digest: str | None, confirm: str | None, reporter: Reporter, **options: Any) -> None:
    """Execute a destruction plan after the user has typed the names of its environments.

    Raises `RefusedError` if a stack of these environments is not in the plan, or has changed since the plan was made.
    """
    from cicd_templates.deploy.destruction import guards, plan_file
    from cicd_templates.deploy.destruction.inventory import take_inventory
    from cicd_templates.deploy.destruction.scope import scope_of
    from cicd_templates.deploy.plans.seal import refuse_other_aws

    given = [name.upper() for name in ("env", "layer", "service", "suffix") if options[name]]
    if given:
        raise ConfigurationError(
            f"the plan already names the environments to destroy; leave out {', '.join(map(hints.option, given))}"
        )
    plan = plan_file.DESTRUCTION_PLANS.read(path)
    plan_file.DESTRUCTION_PLANS.refuse_other_digest(plan, path, digest)
    refuse_other_aws(plan, path, local=options["local"])
    plan_file.refuse_expired(plan, path, datetime.now(UTC))
    plan_file.refuse_repetition(plan, path)
    names = [planned.environment for planned in plan.environments]
    known = _every_environment(plan.local, {planned.suffix for planned in plan.environments})
    work = []
    for planned in plan.environments:
        if planned.environment not in known:
            raise ConfigurationError(
                f"{path}: its environment {planned.environment} is not in the configuration; plan again"
            )
        of = known[planned.environment]
        labels = None if planned.labels is None else frozenset(planned.labels)
        # An environment stays protected if either the plan or the configuration says so.
        protected = of.protected or planned.protected
        inventory = take_inventory(of.clients, scope_of(of.stacks), protected=protected, labels=labels)
        plan_file.refuse_changes(planned, inventory)
        of.refuse_destruction(inventory)
        work.append((of, inventory))
    _show(work, reporter)
    guards.require_confirmed(names, confirm, _typing())
    _carry_out(work, reporter)


def _every_environment(local: bool, suffixes: set[str | None]) -> dict[str, Target]:
    return {
        target.environment: target
        for suffix in suffixes
        for target in selection.targets(env="all", suffix=suffix, layer=None, service=None, local=local)
    }


def _typing() -> Callable[[str], str] | None:
    if not sys.stdin.isatty():
        return None
    return _typed


def _typed(name: str) -> str:
    try:
        return terminal.ask(f"Type {name} to destroy it")
    except click.Abort:
        # Ctrl-C at the question counts as a wrong name.
        return ""


def _show(work: list[tuple[Target, Inventory]], reporter: Reporter) -> None:
    from cicd_templates.deploy.reporting.report import Inventoried

    for target, inventory in work:
        reporter.report(target.heading("Destroying"))
        reporter.report(Inventoried(target.environment, inventory.items))


def _carry_out(work: list[tuple[Target, Inventory]], reporter: Reporter) -> None:
    from cicd_templates.deploy.destruction.remainders import refuse_unexplained

    unexplained = 0
    for target, inventory in work:
        unexplained += sum(not remainder.explained for remainder in target.destroy(reporter, inventory))
    refuse_unexplained(unexplained)
