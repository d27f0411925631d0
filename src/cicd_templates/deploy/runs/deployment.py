"""Defines the functions behind the commands for one environment: plan, deploy, execute a plan, discard plans.

- Each function locks the environment's journal, so that only one run on this machine works on the environment.
- A function that executes change sets also acquires the environment lock in AWS, so that only one machine executes
  change sets.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from cicd_templates import hints
from cicd_templates.deploy.change_sets.drift_reversal import DetectedDrift
from cicd_templates.deploy.locking.environment_lock import EnvironmentLock
from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.plans.discard import discard_plan, discard_plans
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.page import plan_markdown
from cicd_templates.deploy.plans.propose import DeployContext, propose
from cicd_templates.deploy.plans.read_ahead import ReadAhead
from cicd_templates.deploy.plans.survey import Survey
from cicd_templates.deploy.plans.wave import Wave, blocked_stacks, take_survey, unpublished
from cicd_templates.deploy.plans.web_page.page import plan_page
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.plan_commands import deploy_command
from cicd_templates.deploy.reporting.report import Reporter
from cicd_templates.deploy.runs.approval import Confirm
from cicd_templates.deploy.runs.engine import DeploymentEngine, ignore_approval, ignore_stack
from cicd_templates.deploy.runs.journal import Journal
from cicd_templates.deploy.runs.operations import discard_proposals
from cicd_templates.errors import CicdError, RefusedError
from cicd_templates.files.private_files import write_privately
from cicd_templates.template.stack_template import StackTemplate


def journal_of(context: DeployContext, stacks: Sequence[StackTemplate]) -> Journal:
    """Open the journal of an environment. The journal stays locked until it is closed.

    Raises `RefusedError` if another run has locked the journal.
    """
    return Journal(context.state / "runs", stacks[0].links.environment).open(context.today())


def lock_of(context: DeployContext, stacks: Sequence[StackTemplate]) -> EnvironmentLock:
    """Return the lock of the environment to which `stacks` belong. The caller must still acquire it."""
    return EnvironmentLock(
        context.clients,
        context.polling,
        stacks[0].links.environment,
        stacks[0].parameter_root,
        context.state / "locks",
        lambda holder: hints.make("unlock", **stacks[0].make_variables, HOLDER=holder, LOCAL=context.clients.local),
    )


def plan(
    context: DeployContext,
    stacks: Sequence[StackTemplate],
    reporter: Reporter,
    path: Path | None = None,
    removed: Sequence[str] = (),
    drift: DetectedDrift | None = None,
    to_destroy: Sequence[str] = (),
    ahead: ReadAhead | None = None,
) -> Plan:
    """Create change sets for every stack whose input values exist, and write the plan to a file.

    - `path` is the path of the file. By default, the file is in the folder for plans.
    - `removed` lists the labels of stacks that are no longer rendered but still exist, and `to_destroy` lists the
      commands that delete these stacks.
    - `drift` is the drift that the plan shows or reverts, or None if drift detection did not run.
    - `ahead` has answers of AWS that were read in advance. As soon as no other command can change the stacks, they are
      confirmed, or read again if change sets of an older plan had to be deleted.

    The change sets of the previous plan are deleted. The change sets of the new plan exist until the plan is executed,
    discarded or expired.

    If no stack changes, no plan is written. If there are drifted or removed stacks, an HTML page that shows these
    stacks is written instead.

    If a stack cannot be planned, deletes all change sets of the new plan, then raises `CicdError`.
    """
    with journal_of(context, stacks) as journal:
        _refuse_unfinished(journal)
        interrupted = list(journal.proposals)
        discard_proposals(context, journal)
        is_discarded = discard_plans(context, stacks[0].links.environment) or interrupted
        if ahead and is_discarded:
            ahead.begin()
        elif ahead:
            ahead.confirm()
        return _plan(context, stacks, journal, reporter, path, removed, drift, to_destroy, ahead)


def _plan(
    context: DeployContext,
    stacks: Sequence[StackTemplate],
    journal: Journal,
    reporter: Reporter,
    path: Path | None,
    removed: Sequence[str],
    drift: DetectedDrift | None = None,
    to_destroy: Sequence[str] = (),
    ahead: ReadAhead | None = None,
) -> Plan:
    labels = {stack.name: stack.label for stack in stacks}
    known = take_survey(context, stacks, ahead)
    waits = blocked_stacks(known, stacks)
    planned = [stack for stack in stacks if stack.name not in waits]
    wave = Wave(context, planned, context.new_plan_id(), functools.partial(propose, drift=drift), drift, known)
    journal.record_proposal(wave.plan_id, [stack.name for stack in wave.stacks])
    try:
        while not wave.advance():
            context.polling.pause()
        if wave.refused:
            raise wave.refused
        for name, reason in wave.failed.items():
            reporter.report(report.Broke(labels[name], reason))
        if wave.failed:
            raise CicdError(f"not planned: {', '.join(labels[name] for name in wave.failed)}; the causes are above")
        made = wave.plan({labels[name]: after for name, after in waits.items()}, removed)
        if made.waits and not made.changing:
            _refuse_a_wait_for_ever(known, stacks, made)
    except BaseException:
        wave.discard()
        journal.remove_proposal(wave.plan_id)
        raise
    report.report_plan(made, reporter)
    if not made.empty:
        path = path or context.plans / f"{made.environment}.json"
        until = f"{made.expires:%Y-%m-%d %H:%M} UTC"
        lost, digest = plans.to_allow(made, context.recorded), plans.digest(made)
        command = deploy_command(str(path), lost, local=made.local, digest=digest)
        plans.write(made, path, plan_markdown(made), plan_page([made], command))
        reporter.report(report.Sealed(str(path), digest, until, made.local, lost))
    elif made.drifted or made.removed:
        # Nothing can be deployed, so only the page is written.
        path = (path or context.plans / f"{made.environment}.json").with_suffix(".html")
        commands = ([f"make recover {made.make_variables}"] if made.drifted else []) + list(to_destroy)
        write_privately(path, plan_page([made], "\n".join(commands)))
        shown = "what was changed outside CloudFormation" if made.drifted else "what is no longer rendered"
        reporter.report(report.Note(f"nothing to deploy; {shown}: {path}"))
    journal.remove_proposal(wave.plan_id)
    return made


def _refuse_a_wait_for_ever(known: Survey, stacks: Sequence[StackTemplate], made: Plan) -> None:
    """Raise `CicdError`, because the stacks in `made.waits` read Parameter Store parameters that somebody has deleted.

    A deployment does not create the parameters again, because the stacks that publish the parameters have no changes.
    """
    lost = ", ".join(sorted(unpublished(known, stacks)))
    raise CicdError(
        f"{', '.join(made.waits)}: not planned, because these parameters are missing in Parameter Store: {lost}. The"
        " stacks that publish these parameters have no changes, so no deployment creates the parameters again. Create"
        " the parameters by hand"
    )


def _refuse_unfinished(journal: Journal) -> None:
    """Raise `RefusedError` if an interrupted run started operations whose results are not known yet."""
    if journal.unfinished:
        labels = ", ".join(entry.label for entry in journal.unfinished)
        raise RefusedError(
            f"{labels}: an interrupted run started operations whose results are not known yet; run the interrupted"
            " command again to continue them"
        )


def deploy(
    context: DeployContext,
    stacks: Sequence[StackTemplate],
    reporter: Reporter,
    confirm: Confirm,
    *,
    allowed: Iterable[str] = (),
    eager: bool = True,
    passed: Callable[[], None] = ignore_approval,
    after: Callable[[StackTemplate], None] = ignore_stack,
) -> None:
    """Deploy the reviewed template of every stack.

    Calls `passed` once, after the first plan is approved and before the first operation starts. Raises the same errors
    as `DeploymentEngine.deploy` and `EnvironmentLock.held`.
    """
    held = lock_of(context, stacks).held("deploy", context.caller, context.today())
    with journal_of(context, stacks) as journal, held as lock:
        engine = DeploymentEngine(
            context,
            stacks,
            journal,
            reporter,
            confirm,
            allowed=allowed,
            eager=eager,
            after=after,
            require_lock=lock.require_held,
        )
        engine.deploy(passed)


def execute_plan(
    context: DeployContext,
    made: Plan,
    path: Path,
    stacks: Sequence[StackTemplate],
    reporter: Reporter,
    *,
    allowed: Iterable[str] = (),
    passed: Callable[[], None] = ignore_approval,
    after: Callable[[StackTemplate], None] = ignore_stack,
    next_path: Path | None = None,
) -> Plan | None:
    """Execute the plan in `made`. Return a second plan, or None if nothing is left to deploy.

    The second plan is for stacks that need values from stacks of the first plan. It is also written to a file.

    - `stacks` has all stacks of the environment, because the checks of the plan need them. Only the stacks in the plan
      are deployed.
    - `passed` is called once, when the plan has passed all checks.

    Raises the same errors as `DeploymentEngine.execute` and `EnvironmentLock.held`.
    """
    held = lock_of(context, stacks).held("deploy", context.caller, context.today())
    with journal_of(context, stacks) as journal, held as lock:
        chosen = [stack for stack in stacks if stack.label in made.labels]
        engine = DeploymentEngine(
            context,
            chosen,
            journal,
            reporter,
            lambda question: True,
            allowed=allowed,
            after=after,
            require_lock=lock.require_held,
        )
        rest = engine.execute(made, path, stacks, passed)
        if path.resolve().is_relative_to(context.plans.resolve()):
            plans.remove(path)
        following = _plan(context, rest, journal, reporter, next_path, made.removed) if rest else None
        return following if following and not following.empty else None


def discard(context: DeployContext, stacks: Sequence[StackTemplate], path: Path | None = None) -> int:
    """Delete the plan in the file `path`, or all plans of the environment if `path` is None.

    Deletes the change sets of these plans, too. Returns the number of deleted change sets.
    """
    with journal_of(context, stacks) as journal:
        _refuse_unfinished(journal)
        if path is None:
            return discard_plans(context, stacks[0].links.environment)
        return discard_plan(context, path)
