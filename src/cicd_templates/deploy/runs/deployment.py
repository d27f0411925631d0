"""What the verbs do with one environment: plan it, deploy it, execute a plan of it, discard its plans.

Each holds the environment's journal, so that no two runs of this machine work on one environment.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.plans.discard import discard_plan, discard_plans
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.page import plan_markdown
from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.plans.wave import Wave, blocked_stacks, unpublished
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.report import Reporter
from cicd_templates.deploy.runs.approval import Confirm
from cicd_templates.deploy.runs.engine import DeploymentEngine, ignore_approval, ignore_stack
from cicd_templates.deploy.runs.journal import Journal
from cicd_templates.errors import CicdError, RefusedError
from cicd_templates.template.stack_template import StackTemplate


def journal_of(context: DeployContext, stacks: Sequence[StackTemplate]) -> Journal:
    """The journal of an environment, held until it is closed. Raises `RefusedError` where another run holds it."""
    return Journal(context.state / "runs", stacks[0].links.environment).open(context.today())


def plan(context: DeployContext, stacks: Sequence[StackTemplate], reporter: Reporter, path: Path | None = None) -> Plan:
    """Plan every stack whose inputs exist and write it to `path`, or to the plans of the environment.

    Its change sets stay until it is executed, discarded or expired; those of the plan before it go. A plan of nothing
    is not written. Raises `CicdError` where a stack cannot be planned; then nothing of it stays.
    """
    with journal_of(context, stacks) as journal:
        _refuse_unfinished(journal)
        discard_plans(context, stacks[0].links.environment)
        return _plan(context, stacks, journal, reporter, path)


def _plan(
    context: DeployContext, stacks: Sequence[StackTemplate], journal: Journal, reporter: Reporter, path: Path | None
) -> Plan:
    labels = {stack.name: stack.label for stack in stacks}
    waits = blocked_stacks(context, stacks)
    wave = Wave(context, [stack for stack in stacks if stack.name not in waits], uuid.uuid4().hex)
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
        made = wave.plan({labels[name]: after for name, after in waits.items()})
        if made.waits and not made.changing:
            _refuse_a_wait_for_ever(context, stacks, made)
    except BaseException:
        wave.discard()
        journal.remove_proposal(wave.plan_id)
        raise
    report.show(made, reporter)
    if not made.empty:
        path = path or context.plans / f"{made.environment}.json"
        plans.write(made, path, plan_markdown(made))
        until = f"{made.expires:%Y-%m-%d %H:%M} UTC"
        lost = plans.to_allow(made, context.recorded)
        reporter.report(report.Sealed(str(path), plans.digest(made), until, made.local, lost))
    journal.remove_proposal(wave.plan_id)
    return made


def _refuse_a_wait_for_ever(context: DeployContext, stacks: Sequence[StackTemplate], made: Plan) -> None:
    """Nothing that changes would publish what the stacks that wait are waiting for: somebody has deleted it."""
    lost = ", ".join(sorted(unpublished(context, stacks)))
    raise CicdError(
        f"not planned: {', '.join(made.waits)}; {lost} does not exist, although the stack that publishes it does and"
        " nothing of it changes; put it back into Parameter Store"
    )


def _refuse_unfinished(journal: Journal) -> None:
    """A plan beside what is under way would be of a state that nobody has seen yet."""
    if journal.unfinished:
        labels = ", ".join(entry.label for entry in journal.unfinished)
        raise RefusedError(
            f"{labels}: an interrupted run began this and nobody has seen its end; the command that was interrupted"
            " takes it up"
        )


def deploy(
    context: DeployContext,
    stacks: Sequence[StackTemplate],
    reporter: Reporter,
    confirm: Confirm,
    *,
    allowed: Iterable[str] = (),
    eager: bool = True,
    after: Callable[[StackTemplate], None] = ignore_stack,
) -> None:
    """Bring every stack to its reviewed text; the errors are those of `DeploymentEngine.deploy`."""
    with journal_of(context, stacks) as journal:
        engine = DeploymentEngine(
            context, stacks, journal, reporter, confirm, allowed=allowed, eager=eager, after=after
        )
        engine.deploy()


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
    """Execute exactly `made`; the plan of what comes after it, written like any, or None where there is nothing more.

    `stacks` are all of the environment, with which `made` is compared; those that it names are deployed. `passed` is
    called once nothing refuses it any more. The errors are those of `DeploymentEngine.execute`.
    """
    with journal_of(context, stacks) as journal:
        chosen = [stack for stack in stacks if stack.label in made.labels]
        engine = DeploymentEngine(
            context, chosen, journal, reporter, lambda question: True, allowed=allowed, after=after
        )
        rest = engine.execute(made, path, stacks, passed)
        if path.resolve().is_relative_to(context.plans.resolve()):
            plans.remove(path)
        following = _plan(context, rest, journal, reporter, next_path) if rest else None
        return following if following and not following.empty else None


def discard(context: DeployContext, stacks: Sequence[StackTemplate], path: Path | None = None) -> int:
    """Delete what the plan in `path` left, or every plan of the environment; how many change sets that were."""
    with journal_of(context, stacks) as journal:
        _refuse_unfinished(journal)
        if path is None:
            return discard_plans(context, stacks[0].links.environment)
        return discard_plan(context, path)
