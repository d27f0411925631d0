"""Gets a plan approved: checks the plan, asks the user, and compares the plan with AWS. Executes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from cicd_templates.deploy.aws.retry import run_steps
from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.page import plan_markdown
from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.plans.text import change_sets
from cicd_templates.deploy.plans.verify import verify
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.report import Reporter
from cicd_templates.errors import CicdError
from cicd_templates.template.stack_template import StackTemplate

Confirm = Callable[[str], bool]


class DeclinedError(CicdError):
    """The user declined the plan."""


class Approval:
    """Checks the plans of one run and asks the user to approve them.

    `allowed` lists the resources that a plan may replace or delete, each as `stack/LogicalId`.
    """

    def __init__(
        self,
        context: DeployContext,
        stacks: Mapping[str, StackTemplate],
        reporter: Reporter,
        confirm: Confirm,
        allowed: Iterable[str],
    ) -> None:
        self._context, self._stacks, self._reporter, self._confirm = context, stacks, reporter, confirm
        self._allowed = tuple(allowed)
        self._files: list[Path] = []

    def approve(self, plan: Plan) -> tuple[Plan, Path]:
        """Show and check a plan, ask the user, write the plan to a file and read it back. Return the plan and the
        file's path.

        A plan without changes needs no consent and is not written to a file. Raises `RefusedError` if the plan fails a
        check, and `DeclinedError` if the user declines it.
        """
        path = self._context.plans / f"{plan.environment}.{plan.id[:8]}.json"
        report.report_plan(plan, self._reporter)
        self.note_exempt(plan)
        self.refuse_losses(plan)
        if plan.changing:
            if not self._confirm(f"Execute {change_sets(plan)} on {plan.environment}?"):
                raise DeclinedError(f"{plan.environment}: declined; no change set of this plan was executed")
            plans.write(plan, path, plan_markdown(plan))
            self._files.append(path)
            written, plan = plan, plans.read(path)
            plans.DEPLOYMENT_PLANS.refuse_other_digest(plan, path, plans.digest(written))
            names = {stack.name for stack in plan.stacks}
            plan = self.verify(plan, {name: stack for name, stack in self._stacks.items() if name in names})
        return plan, path

    def verify(self, plan: Plan, stacks: Mapping[str, StackTemplate], begun: Iterable[str] = ()) -> Plan:
        """Compare a plan with the stacks in AWS and with the templates. Raise `RefusedError` if anything differs.

        `begun` has the names of the stacks on which an interrupted run has already started operations. Returns a copy
        of the plan without these stacks.
        """
        return run_steps(verify(self._context, plan, stacks, set(begun)), self._context.polling)

    def refuse_losses(self, plan: Plan) -> None:
        """Raise `RefusedError` if the plan deletes or replaces a stateful resource and the user has not allowed this.

        Before that, report each resource that the user named in `ALLOW`, but that the plan neither deletes nor
        replaces.
        """
        labels = {label for stack in self._stacks.values() for label in (stack.label, stack.name)}
        for name in plans.unfitting(plan, self._allowed, labels):
            self._allowed = tuple(allowed for allowed in self._allowed if allowed != name)
            unused = f"ALLOW={name}: this plan deletes or replaces no stateful resource of that name"
            self._reporter.report(report.Note(unused))
        plans.refuse_losses(plan, self._allowed, self._context.recorded)

    def note_exempt(self, plan: Plan) -> None:
        """Report the lost resources for which no consent is needed.

        The local AWS only recorded these resources and never created them, so nothing real is lost.
        """
        for loss in plans.exempt(plan, self._context.recorded):
            because = "allowed, because the local AWS records resources of this type, but does not create them"
            self._reporter.report(report.Note(f"{loss.words}; {because}"))

    def remove_files(self) -> None:
        """Remove the plan files that this run has written."""
        for path in self._files:
            plans.remove(path)
