"""The command `plan`, which plans a deployment of the rendered templates. It renders nothing."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cicd_templates import hints
from cicd_templates.cli import selection
from cicd_templates.cli.command import verb
from cicd_templates.cli.drift_detection import drift_of
from cicd_templates.cli.options import DRIFT, JSON, PLAN_OUT, REVERT_DRIFT, TARGET, WAIT, make_option
from cicd_templates.errors import ChangesRemainError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cicd_templates.cli.targets import Target
    from cicd_templates.deploy.aws.readers import Readers
    from cicd_templates.deploy.plans.document import Plan
    from cicd_templates.deploy.plans.read_ahead import ReadAhead
    from cicd_templates.deploy.reporting.report import Reporter


@verb(
    "plan",
    *TARGET,
    JSON,
    PLAN_OUT,
    WAIT,
    DRIFT,
    REVERT_DRIFT,
    make_option(
        "--preview",
        "is_preview",
        variable="PREVIEW",
        is_flag=True,
        help="Only show what would change, for a pull request; leave no change set in AWS.",
    ),
    make_option("--detailed-exitcode", is_flag=True, help="Exit with 4 if there are changes."),
)
def plan(
    as_json: bool,
    out: Path | None,
    wait: bool,
    drift: bool,
    revert_drift: bool,
    is_preview: bool,
    detailed_exitcode: bool,
    **options: Any,
) -> None:
    """Plan every stack that can be deployed now, and write the plan to a file.

    A stack can be deployed when the values that it reads from other stacks exist in AWS.

    Review the plan, then deploy it with deploy --plan.
    """
    from cicd_templates.deploy.aws.readers import Readers
    from cicd_templates.deploy.releases.commits import revision

    # git and AWS answer while this thread imports modules, reads templates and compares them.
    with Readers() as readers:
        read_revision = readers.submit(functools.partial(revision, Path.cwd())).result
        plans = _plans(
            readers, read_revision, as_json, out, wait, is_preview, drift=drift, revert_drift=revert_drift, **options
        )
    _exit_if_changed(detailed_exitcode, plans)


def _plans(
    readers: Readers,
    read_revision: Callable[[], str],
    as_json: bool,
    out: Path | None,
    wait: bool,
    is_preview: bool,
    *,
    drift: bool,
    revert_drift: bool,
    **options: Any,
) -> Sequence[Plan | None]:
    """Return a plan or a preview of each environment, or None if the environment has no stack to plan."""
    from cicd_templates.cli.removed_stacks import destroy_commands, removed_note
    from cicd_templates.deploy.change_sets.drift_reversal import DetectedDrift
    from cicd_templates.deploy.destruction.orphans import find_removed_stacks
    from cicd_templates.deploy.plans.read_ahead import ReadAhead
    from cicd_templates.deploy.reporting import report

    reporter = report.reporter(as_json=as_json)
    ahead: dict[str, ReadAhead] = {}

    def read_ahead(target: Target) -> None:
        # A preview reads other answers, and the detection of drift takes so long that earlier answers would be too old.
        if not (is_preview or drift or revert_drift):
            ahead[target.environment] = ReadAhead(readers, target.clients, target.chosen)

    chosen = selection.targets(**options, read_revision=read_revision, opened=read_ahead)
    # A plan changes nothing, so edited templates are only reported here.
    selection.refuse_edited(chosen, reporter, suffix=options["suffix"], rehearsed=True)
    if out and len(chosen) > 1:
        raise ConfigurationError(
            f"{hints.option('OUT', str(out))} can hold only one plan; name one environment with {hints.option('ENV')}"
        )
    if is_preview:
        if drift or revert_drift:
            asked = hints.option("REVERT_DRIFT" if revert_drift else "DRIFT", value=True)
            raise ConfigurationError(f"a preview does not detect drift; leave out {asked}")
        return _previews(chosen, reporter, out, wait=wait)
    # The pipeline deploys stacks only in protected environments. Without such an environment, the account of the
    # pipeline is not needed.
    is_protected = any(target.protected for target in chosen)
    tools = selection.tools(options["suffix"], options["local"], chosen, plans_only=True) if is_protected else None
    whole = options["layer"] is None and options["service"] is None
    removed = [
        find_removed_stacks(target.clients, target.stacks, _existing(ahead.get(target.environment))) if whole else []
        for target in chosen
    ]
    plans = [
        target.plan(
            reporter,
            tools,
            out,
            removed=[stack.label for stack in stacks],
            to_destroy=destroy_commands(target, stacks) if stacks else (),
            drift=DetectedDrift(tuple(drift_of(target)), revert_drift) if drift or revert_drift else None,
            wait=wait,
            ahead=ahead.get(target.environment),
        )
        for target, stacks in zip(chosen, removed, strict=True)
    ]
    for target, stacks in zip(chosen, removed, strict=True):
        if stacks:
            reporter.report(report.Note(removed_note(target, stacks)))
    return plans


def _existing(ahead: ReadAhead | None) -> Mapping[str, Mapping[str, Any]] | None:
    """Return the descriptions of the account's stacks if other threads have read them."""
    if ahead is None:
        return None
    # The user may have typed a code for a login since then.
    ahead.refresh()
    return ahead.existing


def _exit_if_changed(detailed_exitcode: bool, plans: Sequence[Plan | None]) -> None:
    if detailed_exitcode and any(plan and not plan.empty for plan in plans):
        raise click.exceptions.Exit(ChangesRemainError.exit_code)


def _previews(chosen: Sequence[Target], reporter: Reporter, out: Path | None, *, wait: bool) -> list[Plan]:
    from cicd_templates.deploy.runs.preview import preview_environment

    previews = []
    for target in chosen:
        reporter.report(target.heading("Preview of"))
        previews.append(preview_environment(target.context(wait=wait), target.chosen, reporter, out))
    return previews
