"""The command `deploy`, which deploys the rendered templates. It renders nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cicd_templates import hints
from cicd_templates.cli import selection
from cicd_templates.cli.command import verb
from cicd_templates.cli.options import DIGEST, JSON, PLAN_OUT, TARGET, WAIT, YES, make_option
from cicd_templates.errors import ChangesRemainError, ConfigurationError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cicd_templates.cli.targets import Target
    from cicd_templates.deploy.plans.document import Plan
    from cicd_templates.deploy.reporting.report import Reporter
ALLOW = make_option(
    "--allow",
    variable="ALLOW",
    default="",
    help="Stateful resources that this deployment may delete or replace: STACK/LOGICALID, separated with commas.",
)

HAND_OVER = make_option(
    "--hand-over",
    variable="HAND_OVER",
    is_flag=True,
    help="Hand the templates to the pipeline even if they change environments that this command does not deploy.",
)


@verb(
    "deploy",
    *TARGET,
    YES,
    JSON,
    ALLOW,
    PLAN_OUT,
    WAIT,
    HAND_OVER,
    make_option(
        "--plan",
        "plan_file",
        variable="PLAN",
        narrows=True,
        type=click.Path(path_type=Path),
        help="Deploy exactly this plan.",
    ),
    DIGEST,
)
def deploy(
    as_json: bool,
    yes: bool,
    allow: str,
    out: Path | None,
    wait: bool,
    hand_over: bool,
    plan_file: Path | None,
    digest: str | None,
    **options: Any,
) -> None:
    """Deploy with change sets, which are shown before they are executed. A protected environment needs a reviewed
    plan.
    """
    from cicd_templates.deploy.reporting import report

    if plan_file is None and digest is not None:
        raise ConfigurationError(f"{hints.option('DIGEST')} can be used only with {hints.option('PLAN')}")
    reporter = report.reporter(as_json=as_json)
    allowed = list(filter(None, allow.split(",")))
    confirm_others = selection.other_changes_confirmation(hand_over)
    with selection.detaching():
        if plan_file is not None:
            _deploy_plan(plan_file, digest, reporter, allowed, out, confirm_others, **options)
            return
        chosen = selection.targets(**options)
        rehearsed = options["local"] and yes
        selection.refuse_edited(chosen, reporter, suffix=options["suffix"], rehearsed=rehearsed)
        if options["env"] != "all" and not rehearsed:
            _refuse_protected(chosen)
        tools = selection.tools(options["suffix"], options["local"], chosen)
        deployed = frozenset(target.environment for target in chosen if rehearsed or not target.protected)
        for target in chosen:
            if target.protected and not rehearsed:
                planned = target.plan(reporter, tools, out, wait=wait)
                if planned and not planned.empty:
                    path = out or target.context().plans / f"{target.environment}.json"
                    _stop(reporter, f"{target.environment} is protected", target, planned, path)
            else:
                confirm = selection.confirmation(yes)
                target.deploy(
                    reporter,
                    confirm,
                    tools,
                    confirm_others=confirm_others,
                    deployed=deployed,
                    allowed=allowed,
                    eager=yes,
                    wait=wait,
                )


def _refuse_protected(chosen: list[Target]) -> None:
    for target in chosen:
        if target.protected:
            path = target.context().plans / f"{target.environment}.json"
            deploying = hints.make("deploy", PLAN=str(path), LOCAL=target.engine is not None)
            raise RefusedError(
                f"{target.environment} is protected, so it can be deployed only from a reviewed plan:"
                f" {target.command('plan')}, then {deploying}"
            )


def _stop(reporter: Reporter, why: str, target: Target, planned: Plan, path: Path) -> None:
    """Report that the user must review the plan before deploying it. Exit with 4, because nothing is deployed yet."""
    from cicd_templates.deploy.plans.document import to_allow
    from cicd_templates.deploy.reporting.report import Note

    allow = ",".join(to_allow(planned, target.context().recorded))
    command = hints.make("deploy", PLAN=str(path), ALLOW=allow, LOCAL=planned.local)
    reporter.report(Note(f"{why}: read {path.with_suffix('.md')}, then {command}"))
    raise click.exceptions.Exit(ChangesRemainError.exit_code)


def _deploy_plan(
    path: Path,
    digest: str | None,
    reporter: Reporter,
    allowed: list[str],
    out: Path | None,
    confirm_others: Callable[[str], bool],
    **options: Any,
) -> None:
    from cicd_templates.deploy.plans import document as plans
    from cicd_templates.deploy.plans.seal import refuse_other_aws

    made = plans.read(path)
    plans.DEPLOYMENT_PLANS.refuse_other_digest(made, path, digest)
    if options["layer"] or options["service"] or options["env"] not in (None, made.name):
        raise ConfigurationError(
            f"{path} is already a plan for {made.environment}; leave out "
            f"{hints.option('ENV')}, {hints.option('LAYER')} and {hints.option('SERVICE')}"
        )
    refuse_other_aws(made, path, local=options["local"])
    suffix = made.suffix or None
    # A plan without a name, or with the name `all`, selects every environment. The comparison below then refuses the
    # plan.
    found = selection.targets(env=made.name or "all", suffix=suffix, layer=None, service=None, local=made.local)
    if [target.environment for target in found] != [made.environment]:
        raise RefusedError(f"{path}: its environment {made.environment!r} is not in the configuration; plan again")
    (target,) = found
    selection.refuse_edited(found, reporter, suffix=suffix)
    tools = selection.tools(suffix, made.local)
    following = target.execute(
        made, path, reporter, tools, confirm_others=confirm_others, allowed=allowed, next_path=out
    )
    if following:
        written = out or target.context().plans / f"{made.environment}.json"
        _stop(reporter, "the plan was deployed, and the next wave was planned", target, following, written)
