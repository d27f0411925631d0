"""Defines `Target`, the environment on which a command works: its rendered stacks, and clients for its AWS account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cicd_templates import hints
from cicd_templates.cli.templates_handover import TemplatesHandover
from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.drift_reversal import DetectedDrift
from cicd_templates.deploy.destruction import guards
from cicd_templates.deploy.destruction.destroy import destroy
from cicd_templates.deploy.destruction.inventory import Inventory, take_inventory
from cicd_templates.deploy.destruction.orphans import labels_of_removed
from cicd_templates.deploy.destruction.reimport import refuse_kept_resources
from cicd_templates.deploy.destruction.scope import scope_of
from cicd_templates.deploy.locking.environment_lock import EnvironmentLock
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.plans.read_ahead import ReadAhead
from cicd_templates.deploy.recovery.claims import Claim, claims
from cicd_templates.deploy.releases.commits import revision
from cicd_templates.deploy.releases.pipeline_handover import PipelineHandover, left_to_the_pipeline
from cicd_templates.deploy.reporting.inventory_items import Remainder
from cicd_templates.deploy.reporting.report import Heading, Left, Note, Reporter
from cicd_templates.deploy.runs import deployment
from cicd_templates.deploy.runs.approval import Confirm
from cicd_templates.errors import RefusedError
from cicd_templates.files.paths import STATE
from cicd_templates.local.engine_process import Engine
from cicd_templates.local.recorded_types import TYPES
from cicd_templates.template.stack_template import StackTemplate


def revision_here() -> str:
    """Return the commit id of the current work tree. The function `revision` defines its format."""
    return revision(Path.cwd())


@dataclass(frozen=True)
class Target:
    """The environment on which a command works: all its stacks, the stacks that the user chose, and AWS clients.

    `layer` and `service` are the layer and the service whose stacks the user chose, or None. `caller` is the caller's
    ARN. `state` is the folder for plans and journals. `read_revision` returns the revision of the work tree.
    """

    stacks: Sequence[StackTemplate]
    chosen: Sequence[StackTemplate]
    clients: Clients
    polling: Polling
    engine: Engine | None
    layer: str | None = None
    service: str | None = None
    caller: str = ""
    state: Path = STATE
    read_revision: Callable[[], str] = revision_here

    @property
    def environment(self) -> str:
        """Return the environment's name; for a parallel copy, it includes the suffix."""
        return self.stacks[0].links.environment

    @property
    def account(self) -> str:
        """Return the account id."""
        return self.stacks[0].account

    def heading(self, verb: str) -> Heading:
        """Return the heading of a report, which names the environment and the command's action, `verb`."""
        where = "local AWS" if self.engine else ""
        return Heading(verb, self.environment, self.account, self.stacks[0].region, where)

    @property
    def protected(self) -> bool:
        """Return whether the environment is protected."""
        return self.stacks[0].protected

    def context(self, *, wait: bool = False) -> DeployContext:
        """Return the context of a deployment: AWS clients, polling settings, the folder for its files, and the caller.

        While another operation changes a stack, the deployment waits if `wait` is true, and fails if it is false.
        """
        recorded = frozenset(TYPES) if self.engine else frozenset()
        return DeployContext(self.clients, self.polling, self.state, self.caller, self.read_revision(), wait, recorded)

    def plan(
        self,
        reporter: Reporter,
        tools: PipelineHandover | None,
        path: Path | None = None,
        *,
        removed: Sequence[str] = (),
        to_destroy: Sequence[str] = (),
        drift: DetectedDrift | None = None,
        wait: bool = False,
        ahead: ReadAhead | None = None,
    ) -> Plan | None:
        """Plan the chosen stacks, and write the plan to `path`. Return the plan, or None if there is no stack to plan.

        - `tools` gives access to the pipeline. It is required if the environment is protected. With `tools`, the plan
          leaves out the stacks that only the pipeline may deploy.
        - `removed` has the labels of stacks that are no longer rendered. `to_destroy` has the commands that delete
          these stacks.
        - `drift` has the drift that was detected in the stacks. It also says whether the plan only shows this drift or
          reverts it.
        - `ahead` gives the answers of AWS about the chosen stacks. Other threads have already begun to read them.

        Raises the errors of `deployment.plan`.
        """
        reporter.report(self.heading("Plan of"))
        if ahead:
            ahead.refresh()
        stacks = self._deployable(reporter, tools, ahead)
        context = self.context(wait=wait)
        return deployment.plan(context, stacks, reporter, path, removed, drift, to_destroy, ahead) if stacks else None

    def deploy(
        self,
        reporter: Reporter,
        confirm: Confirm,
        tools: PipelineHandover,
        *,
        confirm_others: Confirm,
        deployed: frozenset[str] | None = None,
        allowed: Iterable[str] = (),
        eager: bool = True,
        wait: bool = False,
    ) -> None:
        """Deploy the chosen stacks, except those that only the pipeline may deploy, and report the events.

        After the user has approved the first plan, also upload the templates of all environments for the pipeline. If
        the bucket for templates does not exist yet, upload the templates as soon as the deployment has created it.

        - `deployed` has the names of all environments that the command deploys, one after the other. If it is None, the
          command deploys only this environment.
        - `confirm` asks the user whether to upload changed templates of the environments in `deployed`.
        - `confirm_others` asks the user whether to upload changed templates of other environments.

        Raises `RefusedError` if the user explicitly chose a layer whose stack only the pipeline may deploy. Also raises
        the errors of `deployment.deploy`.
        """
        reporter.report(self.heading("Deploying"))
        stacks = self._deployable(reporter, tools)
        handover = TemplatesHandover(
            tools, reporter, deployed or frozenset({self.environment}), confirm, confirm_others
        )
        handover.note_uncommitted()
        if not stacks:
            # The next release deploys these templates, even if nothing in this environment changes.
            handover.hand_over()
        else:
            deployment.deploy(
                self.context(wait=wait),
                stacks,
                reporter,
                confirm,
                allowed=allowed,
                eager=eager,
                passed=handover.hand_over,
                after=handover.after,
            )
        self._report_notes(reporter)

    def execute(
        self,
        made: Plan,
        path: Path,
        reporter: Reporter,
        tools: PipelineHandover,
        *,
        confirm_others: Confirm,
        allowed: Iterable[str] = (),
        next_path: Path | None = None,
    ) -> Plan | None:
        """Execute the plan in `made`. Return a second plan, or None if no second plan is needed.

        The second plan is for stacks that need values from stacks of the first plan.

        After the first plan has passed all checks, all templates are uploaded for the pipeline, and then the stacks are
        deployed. `confirm_others` asks the user whether to upload changed templates of other environments.

        Raises `RefusedError` if the environment is protected and the templates are not committed. Also raises the
        errors of `deployment.execute_plan`.
        """
        reporter.report(self.heading("Deploying"))
        if self.protected and tools.commit.problem:
            raise RefusedError(
                f"{self.environment} is protected, so its templates must be committed before they are deployed:"
                f" {tools.commit.problem}; commit them, then deploy the same plan"
            )
        handover = TemplatesHandover(
            tools, reporter, frozenset({self.environment}), lambda question: True, confirm_others
        )
        handover.note_uncommitted()
        following = deployment.execute_plan(
            self.context(),
            made,
            path,
            self.stacks,
            reporter,
            allowed=allowed,
            passed=handover.hand_over,
            after=handover.after,
            next_path=next_path,
        )
        self._report_notes(reporter)
        return following

    def discard(self, path: Path | None = None) -> int:
        """Delete the plan in the file `path`, or all plans of the environment if `path` is None.

        Deletes the change sets of these plans, too. Returns the number of deleted change sets.
        """
        return deployment.discard(self.context(), self.stacks, path)

    def _deployable(
        self, reporter: Reporter, tools: PipelineHandover | None, ahead: ReadAhead | None = None
    ) -> list[StackTemplate]:
        """Return the chosen stacks, except those that only the pipeline may deploy.

        Raises `RefusedError` in these cases:

        - The user chose a layer whose stack only the pipeline may deploy.
        - An earlier destruction kept resources that must first be imported into their stacks.
        """
        left: list[StackTemplate] = []
        if tools:
            existing = ahead.existing if ahead else None
            refuse_kept_resources(self.clients, self.chosen, self.command("adopt"), existing)
            left = left_to_the_pipeline(self.clients, tools, self.chosen, existing)
        if left and self.layer:
            release = hints.make(
                "release", SERVICE=left[0].service, SUFFIX=left[0].facts.suffix, LOCAL=self.engine is not None
            )
            raise RefusedError(
                f"{left[0].name}: this stack is updated by releases, so deploying it here would bring back an older"
                f" image or template; release instead: {release} APP=<source>"
            )
        for stack in left:
            reporter.report(Note(f"{stack.label}: left to the pipeline"))
        return [stack for stack in self.chosen if stack not in left]

    def _report_notes(self, reporter: Reporter) -> None:
        for note in self.notes():
            reporter.report(Note(note))

    def command(self, verb: str) -> str:
        """Return the make command that runs `verb` on the chosen stacks."""
        chosen = {**self.stacks[0].make_variables, "LAYER": self.layer, "SERVICE": self.service}
        return hints.make(verb, **chosen, LOCAL=self.engine is not None)

    def claims(self) -> dict[str, Claim]:
        """Return a `Claim` for each stack that a plan or an interrupted run on this machine still needs.

        The claims are keyed by the name of the stack.
        """
        return claims(self.state, self.stacks[0], local=self.engine is not None)

    @property
    def labels(self) -> frozenset[str] | None:
        """The labels of the chosen stacks. None stands for all stacks, even stacks that are no longer rendered."""
        return None if len(self.chosen) == len(self.stacks) else frozenset(stack.label for stack in self.chosen)

    def inventory(self) -> Inventory:
        """Return the resources in AWS that belong to the chosen stacks, or to the whole environment if all are chosen.

        If the chosen layer or service is no longer rendered, find its stacks in AWS. Raises `ConfigurationError` if it
        has no stack in AWS either.
        """
        scope, labels = scope_of(self.stacks), self.labels
        if not self.chosen:
            labels = labels_of_removed(self.clients, self.stacks, self.layer, self.service)
        return take_inventory(self.clients, scope, protected=self.stacks[0].protected, labels=labels)

    def refuse_destruction(self, inventory: Inventory) -> None:
        """Raise `RefusedError` if a stack to be deleted belongs to another project, is still needed or is protected."""
        guards.refuse_foreign_stacks(self.clients, self.chosen)
        guards.refuse_undeletable(inventory)
        guards.refuse_still_needed(inventory, local=self.engine is not None)

    def destroy(self, reporter: Reporter, inventory: Inventory) -> list[Remainder]:
        """Destroy everything in `inventory`, and write destroy-report.json. Report and return the remaining resources.

        Holds the environment's lock during the destruction. Raises `CicdError` with the names of the stacks that could
        not be deleted.
        """
        with self.lock().held("destroy", self.caller, datetime.now(UTC)) as lock:
            left = destroy(
                self.clients,
                inventory,
                self.polling,
                reporter,
                lambda: self.recorded_remains(inventory),
                require_lock=lock.require_held,
            )
        reporter.report(Left(self.environment, tuple(left)))
        return left

    def lock(self) -> EnvironmentLock:
        """Return the lock of the environment. The caller must still acquire it."""
        return deployment.lock_of(self.context(), self.stacks)

    def notes(self) -> list[str]:
        """Return a note with the number of resources of each type that the local AWS records but does not create."""
        if self.engine is None:
            return []
        counts = Counter(entry["type"] for entry in self._recorded({stack.name for stack in self.chosen}))
        types = ", ".join(f"{count} {name.removeprefix('AWS::')}" for name, count in sorted(counts.items()))
        return [f"the local AWS records these resources, but does not create them: {types}"] if types else []

    def recorded_remains(self, inventory: Inventory) -> list[Remainder]:
        """Return the resources that the local AWS still records after a destruction. A correct destruction leaves none.

        The function searches for resources of the rendered stacks, and of the stacks in `inventory`.
        """
        labels = inventory.labels
        names = {stack.name for stack in self.stacks if labels is None or stack.label in labels}
        return [
            Remainder(entry["type"], entry["id"], f"recorded for {entry['stack']}", explained=False)
            for entry in self._recorded(names | {stack.name for stack in inventory.stacks})
        ]

    def _recorded(self, names: set[str]) -> list[dict[str, str]]:
        if self.engine is None:
            return []
        return [entry for entry in self.engine.record.entries(self.account) if entry["stack"] in names]
