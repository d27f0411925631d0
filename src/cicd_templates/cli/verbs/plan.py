"""The command `plan`, which plans a deployment of the rendered templates. It renders nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cicd_templates import hints
from cicd_templates.cli import selection
from cicd_templates.cli.command import verb
from cicd_templates.cli.drift_detection import drift_of
from cicd_templates.cli.options import DRIFT, JSON, PLAN_OUT, TARGET, WAIT, make_option
from cicd_templates.errors import ChangesRemainError, ConfigurationError


@verb(
    "plan",
    *TARGET,
    JSON,
    PLAN_OUT,
    WAIT,
    DRIFT,
    make_option("--detailed-exitcode", is_flag=True, help="Exit with 4 if there are changes."),
)
def plan(as_json: bool, out: Path | None, wait: bool, drift: bool, detailed_exitcode: bool, **options: Any) -> None:
    """Plan every stack whose input values already exist in AWS, and write the plan to a file.

    Review the plan, then deploy it with deploy --plan.
    """
    from cicd_templates.cli.removed_stacks import removed_note
    from cicd_templates.deploy.destruction.orphans import find_removed_stacks
    from cicd_templates.deploy.reporting import report

    reporter = report.reporter(as_json=as_json)
    chosen = selection.targets(**options)
    # A plan changes nothing, so edited templates are only reported here.
    selection.refuse_edited(chosen, reporter, suffix=options["suffix"], rehearsed=True)
    if out and len(chosen) > 1:
        raise ConfigurationError(
            f"{hints.option('OUT', str(out))} can hold only one plan; name its environment with {hints.option('ENV')}"
        )
    # The pipeline deploys stacks only in protected environments. Without such an environment, the account of the
    # pipeline is not needed.
    tools = selection.tools(options["suffix"], options["local"]) if any(target.protected for target in chosen) else None
    whole = options["layer"] is None and options["service"] is None
    removed = [find_removed_stacks(target.clients, target.stacks) if whole else [] for target in chosen]
    plans = [
        target.plan(
            reporter,
            tools,
            out,
            removed=[stack.label for stack in stacks],
            drift=drift_of(target) if drift else None,
            wait=wait,
        )
        for target, stacks in zip(chosen, removed, strict=True)
    ]
    for target, stacks in zip(chosen, removed, strict=True):
        if stacks:
            reporter.report(report.Note(removed_note(target, stacks)))
    if detailed_exitcode and any(plan and not plan.empty for plan in plans):
        raise click.exceptions.Exit(ChangesRemainError.exit_code)
