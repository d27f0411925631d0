"""The targets of a command: each has the rendered stacks of one environment and the AWS clients for its account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cicd_templates import hints
from cicd_templates.cli.accounts import open_account
from cicd_templates.cli.templates_handover import TemplatesHandover
from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.deploy.aws.clients import Clients, require_account
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks, select
from cicd_templates.deploy.destruction import guards
from cicd_templates.deploy.destruction.destroy import destroy
from cicd_templates.deploy.destruction.inventory import Inventory, take_inventory
from cicd_templates.deploy.destruction.orphans import labels_of_service
from cicd_templates.deploy.destruction.reimport import refuse_kept_resources
from cicd_templates.deploy.destruction.scope import scope_of
from cicd_templates.deploy.locking.environment_lock import EnvironmentLock
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.recovery.claims import Claim, claims
from cicd_templates.deploy.releases.commits import revision
from cicd_templates.deploy.releases.pipeline_handover import PipelineHandover, left_to_the_pipeline
from cicd_templates.deploy.releases.templates_commit import TemplatesCommit, find_templates_commit
from cicd_templates.deploy.reporting.inventory_items import Remainder
from cicd_templates.deploy.reporting.report import Heading, Left, Note, Reporter
from cicd_templates.deploy.runs import deployment
from cicd_templates.deploy.runs.approval import Confirm
from cicd_templates.errors import ConfigurationError, RefusedError
from cicd_templates.local import engine_state_file
from cicd_templates.local.engine_process import Engine
from cicd_templates.local.recorded_types import SPELLINGS
from cicd_templates.paths import BUILD, STATE
from cicd_templates.template.stack_template import StackTemplate


@dataclass(frozen=True)
class Target:
    """One environment to work on: all its stacks, the stacks that the user chose, and the clients of its account.

    `named` is true if the user named a layer. `caller` is the ARN of the caller. Plans and journals are kept in the
    folder `state`.
    """

    stacks: Sequence[StackTemplate]
    chosen: Sequence[StackTemplate]
    clients: Clients
    polling: Polling
    engine: Engine | None
    named: bool = False
    caller: str = ""
    state: Path = STATE

    @property
    def environment(self) -> str:
        """Return the name of the environment, with the suffix of a copy."""
        return self.stacks[0].links.environment

    @property
    def account(self) -> str:
        """Return the account id."""
        return self.stacks[0].account

    def heading(self, verb: str) -> Heading:
        """Return the heading to report before the work begins."""
        where = "local AWS" if self.engine else ""
        return Heading(verb, self.environment, self.account, self.stacks[0].region, where)

    @property
    def protected(self) -> bool:
        """Return whether the environment is protected."""
        return self.stacks[0].protected

    def context(self, *, wait: bool = False) -> DeployContext:
        """Return the context of a deployment; with `wait`, it waits for busy stacks instead of refusing them."""
        recorded = frozenset(SPELLINGS) if self.engine else frozenset()
        return DeployContext(self.clients, self.polling, self.state, self.caller, revision(Path.cwd()), wait, recorded)

    def plan(
        self, reporter: Reporter, tools: PipelineHandover | None, path: Path | None = None, *, wait: bool = False
    ) -> Plan | None:
        """Plan the chosen stacks and write the plan to a file; return the plan.

        Return None if the pipeline deploys all chosen stacks. `tools` is required for a protected environment, because
        the pipeline deploys some of its stacks. Without `tools`, all chosen stacks are planned. Raises the errors of
        `deployment.plan`.
        """
        reporter.report(self.heading("Plan of"))
        stacks = self._deployable(reporter, tools)
        return deployment.plan(self.context(wait=wait), stacks, reporter, path) if stacks else None

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
        """Deploy the chosen stacks and report the events.

        The templates are handed to the pipeline before the deployment, or as soon as the pipeline's bucket exists. If
        they differ from the pipeline's templates, the user is asked before. `confirm` asks about changes of the
        environments in `deployed`, by default only this one. `confirm_others` asks about changes of other environments.
        Stacks that the pipeline deploys are skipped.

        Raises `RefusedError` if the user named such a stack, and the errors of `deployment.deploy`.
        """
        reporter.report(self.heading("Deploying"))
        stacks = self._deployable(reporter, tools)
        handover = TemplatesHandover(
            tools, reporter, deployed or frozenset({self.environment}), confirm, confirm_others
        )
        # The next release deploys these templates, even if nothing in this environment changes.
        handover.hand_over()
        if stacks:
            deployment.deploy(
                self.context(wait=wait),
                stacks,
                reporter,
                confirm,
                allowed=allowed,
                eager=eager,
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
        """Execute exactly the plan `made` and return the plan of the next wave, if there is one.

        The templates are handed to the pipeline after the plan has passed all checks. If they change other
        environments, `confirm_others` asks before.

        Raises `RefusedError` if the environment is protected and the templates are not committed, and the errors of
        `deployment.execute_plan`.
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
        """Delete the plan in `path`, or all plans, and return the number of deleted change sets.

        Raises the errors of `deployment.discard`.
        """
        return deployment.discard(self.context(), self.stacks, path)

    def _deployable(self, reporter: Reporter, tools: PipelineHandover | None) -> list[StackTemplate]:
        """Return the chosen stacks that the pipeline does not deploy.

        Raises `RefusedError` if a deployment would collide with resources that a destruction kept, or if the user named
        a stack that the pipeline deploys.
        """
        if tools:
            refuse_kept_resources(self.clients, self.chosen, self.command("adopt"))
        left = left_to_the_pipeline(self.clients, tools, self.chosen) if tools else []
        if left and self.named:
            release = hints.make(
                "release",
                SERVICE=left[0].service,
                SUFFIX=left[0].facts.suffix,
                LOCAL=self.engine is not None,
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
        """Return the make command that runs `verb` on this environment, including SUFFIX= and LOCAL=1 if they apply."""
        return hints.make(verb, **self.stacks[0].make_variables, LOCAL=self.engine is not None)

    def claims(self) -> dict[str, Claim]:
        """Return the plans and journals on this machine that refer to stacks which were never created.

        Raises the errors of `claims.claims`.
        """
        return claims(self.state, self.stacks[0], local=self.engine is not None)

    @property
    def labels(self) -> frozenset[str] | None:
        """Return the labels of the chosen stacks; None means all stacks, even those that are no longer rendered."""
        return None if len(self.chosen) == len(self.stacks) else frozenset(stack.label for stack in self.chosen)

    def inventory(self, removed_service: str | None = None) -> Inventory:
        """Return the inventory of the environment, or of its chosen stacks, as they exist in AWS.

        With `removed_service`, return the inventory of a service that is no longer rendered. Raises
        `ConfigurationError` if that service has no stack in AWS.
        """
        scope, labels = scope_of(self.stacks), self.labels
        if removed_service:
            labels = labels_of_service(self.clients, scope, removed_service)
            if not labels:
                raise ConfigurationError(
                    f"no service {removed_service!r}: neither the configuration nor {self.environment} in AWS has it"
                )
        return take_inventory(self.clients, scope, protected=self.stacks[0].protected, labels=labels)

    def refuse_destruction(self, inventory: Inventory) -> None:
        """Raise `RefusedError` if a stack belongs to another project, or if a stack that stays needs a deleted one."""
        guards.refuse_foreign_stacks(self.clients, self.chosen)
        guards.refuse_still_needed(inventory, self.command("destroy"))

    def destroy(self, reporter: Reporter, inventory: Inventory) -> list[Remainder]:
        """Destroy everything in `inventory` and write destroy-report.json; report and return what is left.

        Meanwhile, it holds the lock of the environment.

        Raises `CicdError` with the names of the stacks whose deletion failed.
        """
        with self.lock().held("destroy", self.caller, datetime.now(UTC)) as lock:
            left = destroy(
                self.clients,
                inventory,
                self.polling,
                reporter,
                lambda: self.recorded_remains(inventory.labels),
                require_lock=lock.require_held,
            )
        reporter.report(Left(self.environment, tuple(left)))
        return left

    def lock(self) -> EnvironmentLock:
        """Return the lock of the environment, which is not held yet."""
        return deployment.lock_of(self.context(), self.stacks)

    def notes(self) -> list[str]:
        """Return the notes about a local deployment: the resource types that the local AWS only recorded."""
        if self.engine is None:
            return []
        counts = Counter(entry["type"] for entry in self.engine.record.entries(self.account))
        types = ", ".join(f"{count} {name.removeprefix('AWS::')}" for name, count in sorted(counts.items()))
        return [f"only recorded, not built, by the local AWS: {types}"] if types else []

    def recorded_remains(self, labels: frozenset[str] | None = None) -> list[Remainder]:
        """Return the resources that no stack deleted in the local AWS. After a correct destruction, there are none.

        `labels` limits them to the stacks with these labels.
        """
        if self.engine is None:
            return []
        chosen = {stack.name for stack in self.chosen if labels is None or stack.label in labels}
        return [
            Remainder(entry["type"], entry["id"], f"recorded for {entry['stack']}", explained=False)
            for entry in self.engine.record.entries(self.account)
            if entry["stack"] in chosen
        ]


def open_target(
    environment: Environment,
    folder: Path,
    *,
    layer: str | None,
    service: str | None,
    local: bool,
    checked: bool = True,
    engine: Engine | None = None,
) -> Target:
    """Return the target for `environment`, with its stacks from `folder`.

    With `local`, the target is on the local AWS: on `engine`, if it is given, otherwise on the one that `make local`
    started. A given engine keeps plans and journals in its own folder, which is deleted with the engine. With
    `checked`, the caller's account is verified first. Raises an error if the templates cannot be read, the credentials
    do not work or the account is wrong.
    """
    stacks = read_stacks(folder / environment.qualified)
    chosen = select(stacks, layer, service)
    account = stacks[0].account
    memory = STATE
    if local:
        memory = engine.folder if engine else STATE / "local"
        engine = engine or engine_state_file.required()
    else:
        engine = None
    clients, polling = open_account(environment, account, stacks[0].region, engine)
    caller = require_account(clients, account) if checked else ""
    return Target(stacks, chosen, clients, polling, engine, layer is not None, caller, memory)


def open_tools(
    configuration: Configuration, folder: Path, *, local: bool, engine: Engine | None = None
) -> PipelineHandover:
    """Return the hand-over to the pipeline in the tools environment.

    It has the stacks of every environment, because a run may deploy all of them.
    """
    tools = next(environment for environment in configuration.environments if environment.kind == "tools")
    target = open_target(tools, folder, layer=None, service=None, local=local, engine=engine)
    stacks = [
        stack for environment in configuration.environments for stack in read_stacks(folder / environment.qualified)
    ]
    # The templates of a copy are never committed; the copy's pipeline reaches only environments of the same copy.
    commit = TemplatesCommit() if folder.parent == BUILD else find_templates_commit(folder, stacks)
    return PipelineHandover(tools, target.clients, tuple(stacks), commit, target.caller)
