"""Verbs right of `out/` that bring environments up: plan, deploy, plan-discard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cicd_templates import hints
from cicd_templates.cli import selection
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import JSON, TARGET, YES, option
from cicd_templates.errors import ChangesRemainError, ConfigurationError, RefusedError

if TYPE_CHECKING:
    from cicd_templates.cli.targets import Target
    from cicd_templates.deploy.plans.document import Plan
    from cicd_templates.deploy.reporting.report import Reporter

OUT = option(
    "--out",
    variable="OUT",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the plan; default .state/plans/ENV.json.",
)
WAIT = option(
    "--wait", variable="WAIT", is_flag=True, help="Wait for stacks that another operation works on; refused otherwise."
)
ALLOW = option(
    "--allow", variable="ALLOW", default="", help="Stateful resources that may go, as STACK/LOGICALID, with commas."
)


@verb(
    "plan",
    *TARGET,
    JSON,
    OUT,
    WAIT,
    option("--detailed-exitcode", is_flag=True, help="Exit 4 where there are changes."),
)
def plan(as_json: bool, out: Path | None, wait: bool, detailed_exitcode: bool, **target: Any) -> None:
    """Plan what can be planned now and write it down, to be read and then deployed with --plan."""
    from cicd_templates.deploy.reporting import report

    reporter = report.reporter(as_json=as_json)
    chosen = selection.targets(**target)
    if out and len(chosen) > 1:
        raise ConfigurationError(
            f"{hints.option('OUT', str(out))} takes the plan of one environment; name it with {hints.option('ENV')}"
        )
    # Only of a protected environment the pipeline writes anything, so only then its account is asked.
    tools = selection.tools(target["suffix"], target["local"]) if any(each.protected for each in chosen) else None
    plans = [each.plan(reporter, tools, out, wait=wait) for each in chosen]
    if detailed_exitcode and any(each and not each.empty for each in plans):
        raise click.exceptions.Exit(ChangesRemainError.exit_code)


@verb(
    "deploy",
    *TARGET,
    YES,
    JSON,
    ALLOW,
    OUT,
    WAIT,
    option("--plan", "plan_file", variable="PLAN", type=click.Path(path_type=Path), help="Deploy exactly this plan."),
)
def deploy(
    as_json: bool, yes: bool, allow: str, out: Path | None, wait: bool, plan_file: Path | None, **target: Any
) -> None:
    """Deploy through change sets, each shown before it is executed; a protected environment from a plan only."""
    from cicd_templates.deploy.reporting import report

    reporter = report.reporter(as_json=as_json)
    allowed = list(filter(None, allow.split(",")))
    with selection.detaching():
        if plan_file is not None:
            _deploy_plan(plan_file, reporter, allowed, out, **target)
            return
        chosen = selection.targets(**target)
        rehearsed = target["local"] and yes
        if target["env"] != "all" and not rehearsed:
            _refuse_protected(chosen)
        tools = selection.tools(target["suffix"], target["local"])
        for each in chosen:
            if each.protected and not rehearsed:
                planned = each.plan(reporter, tools, out, wait=wait)
                if planned and not planned.empty:
                    path = out or each.context().plans / f"{each.environment}.json"
                    _stop(reporter, f"{each.environment} is protected", each, planned, path)
            else:
                confirm = selection.confirmation(yes)
                each.deploy(reporter, confirm, tools, allowed=allowed, eager=yes, wait=wait)


def _refuse_protected(chosen: list[Target]) -> None:
    for each in chosen:
        if each.protected:
            path = each.context().plans / f"{each.environment}.json"
            deploying = hints.make("deploy", PLAN=str(path), LOCAL=each.engine is not None)
            raise RefusedError(
                f"{each.environment} is protected, so it is deployed from a plan that somebody has read:"
                f" {each.typed('plan')}, then {deploying}"
            )


def _stop(reporter: Reporter, why: str, target: Target, planned: Plan, path: Path) -> None:
    """End well, with the exit code that says that a plan waits to be read."""
    from cicd_templates.deploy.plans.document import to_allow
    from cicd_templates.deploy.reporting.report import Note

    allow = ",".join(to_allow(planned, target.context().recorded))
    command = hints.make("deploy", PLAN=str(path), ALLOW=allow, LOCAL=planned.local)
    reporter.report(Note(f"{why}: read {path.with_suffix('.md')}, then {command}"))
    raise click.exceptions.Exit(ChangesRemainError.exit_code)


def _deploy_plan(path: Path, reporter: Reporter, allowed: list[str], out: Path | None, **target: Any) -> None:
    from cicd_templates.deploy.plans import document as plans
    from cicd_templates.deploy.plans.seal import refuse_other_aws

    made = plans.read(path)
    if target["layer"] or target["service"] or target["env"] not in (None, made.name):
        raise ConfigurationError(
            f"{path} already says what is deployed ({made.environment}); leave out "
            f"{hints.option('ENV')}, {hints.option('LAYER')} and {hints.option('SERVICE')}"
        )
    refuse_other_aws(made, path, local=target["local"])
    suffix = made.suffix or None
    (each,) = selection.targets(env=made.name, suffix=suffix, layer=None, service=None, local=made.local)
    following = each.execute(made, path, reporter, selection.tools(suffix, made.local), allowed=allowed, next_path=out)
    if following:
        written = out or each.context().plans / f"{made.environment}.json"
        _stop(reporter, "that plan is deployed, and what comes after it is planned", each, following, written)


@verb(
    "plan-discard",
    *TARGET,
    option(
        "--plan", "plan_file", variable="PLAN", type=click.Path(path_type=Path), help="This plan; default all of ENV."
    ),
)
def plan_discard(plan_file: Path | None, **target: Any) -> None:
    """Delete what plans left in AWS, and the plans."""
    if plan_file is not None and not target["env"]:
        from cicd_templates.deploy.plans import document as plans

        made = plans.read(plan_file)
        target |= {"env": made.name, "suffix": made.suffix or None}
    for each in selection.targets(**target):
        count = each.discard(plan_file)
        click.echo(f"{each.environment}: discarded {count} change sets")
