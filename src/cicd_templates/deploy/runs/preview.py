"""Previews all stacks of an environment for a pull request, and writes the result to a file.

A preview takes no lock and leaves nothing in AWS, so a preview and a deployment can run at the same time.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cicd_templates.deploy.aws.retry import AWS_ERRORS
from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.page import plan_markdown
from cicd_templates.deploy.plans.preview import delete_preview, missing_inputs
from cicd_templates.deploy.plans.preview import preview as preview_stack
from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.plans.survey import survey_by_name
from cicd_templates.deploy.plans.wave import Wave
from cicd_templates.deploy.plans.web_page.page import plan_page
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.report import Reporter
from cicd_templates.errors import CicdError
from cicd_templates.template import stack_graph
from cicd_templates.template.stack_template import StackTemplate


def preview_environment(
    context: DeployContext, stacks: Sequence[StackTemplate], reporter: Reporter, path: Path | None = None
) -> Plan:
    """Preview every stack of an environment. Write the preview to the file `path`, and return the preview.

    The default for `path` is a file in the folder for previews. The file is written even if nothing changes.

    Stacks that wait for the deployment of other stacks are left out. Raises `CicdError` if all stacks wait, or if a
    stack cannot be previewed. Raises `RefusedError` in the same cases as `preview_stack`.
    """
    waits = _waits(context, stacks)
    previewed = [stack for stack in stacks if stack.label not in waits]
    if not previewed:
        listed = "; ".join(f"{label} after {', '.join(after)}" for label, after in waits.items())
        raise CicdError(
            f"{stacks[0].links.environment}: nothing can be previewed until the first stacks are deployed: {listed}"
        )
    wave = Wave(context, previewed, context.new_plan_id(), propose=preview_stack, survey=survey_by_name)
    try:
        while not wave.advance():
            context.polling.pause()
        if wave.refused:
            raise wave.refused
        labels = {stack.name: stack.label for stack in stacks}
        for name, reason in wave.failed.items():
            reporter.report(report.Broke(labels[name], reason))
        if wave.failed:
            raise CicdError(f"not previewed: {', '.join(labels[name] for name in wave.failed)}; the causes are above")
    except BaseException:
        for stack in wave.stacks:
            # An expired change set is deleted by the next plan, so the first error is more important.
            with contextlib.suppress(*AWS_ERRORS):
                context.retry_call(functools.partial(delete_preview, context, stack, wave.plan_id))
        raise
    made = replace(wave.plan(waits), preview=True)
    report.report_plan(made, reporter)
    path = path or context.state / "previews" / f"{made.environment}.json"
    plans.write(made, path, plan_markdown(made), plan_page([made], f"make plan {made.make_variables}"))
    reporter.report(report.Note(f"written to {path}; this plan is only a preview, so no command can execute it"))
    return made


def _waits(context: DeployContext, stacks: Sequence[StackTemplate]) -> dict[str, tuple[str, ...]]:
    """Return the labels of stacks that cannot be previewed yet, each with the stacks that must be deployed first."""
    labels = {stack.name: stack.label for stack in stacks}
    needed = stack_graph.producers(stack.links for stack in stacks)
    publishers = {path: stack.name for stack in stacks for path in stack.links.publishes}
    waits = {}
    for stack in stacks:
        if missing := missing_inputs(context, stack):
            after = {publishers[path] for path in missing if path in publishers} or needed[stack.name]
            waits[stack.label] = tuple(sorted(labels[name] for name in after))
    return waits
