"""Targets of a verb: the rendered stacks of one environment, and the clients of its account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cicd_templates import hints
from cicd_templates.cli.templates_handover import TemplatesHandover
from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.deploy.aws.clients import Clients, aws_clients, local_clients, require_account
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.stacks import read_stacks, select
from cicd_templates.deploy.destruction import guards
from cicd_templates.deploy.destruction.destroy import destroy
from cicd_templates.deploy.destruction.inventory import Inventory, take_inventory
from cicd_templates.deploy.destruction.reimport import refuse_kept_resources
from cicd_templates.deploy.destruction.scope import Scope, scope_of
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.recovery.claims import Claim, claims
from cicd_templates.deploy.releases.commits import revision
from cicd_templates.deploy.releases.handover import PipelineHandover, left_to_the_pipeline
from cicd_templates.deploy.releases.templates_commit import TemplatesCommit, find_templates_commit
from cicd_templates.deploy.reporting.inventory_items import Remainder
from cicd_templates.deploy.reporting.report import Heading, Inventoried, Left, Note, Reporter
from cicd_templates.deploy.runs import deployment
from cicd_templates.deploy.runs.approval import Confirm
from cicd_templates.errors import RefusedError
from cicd_templates.local import running_engine
from cicd_templates.local.engine import Engine
from cicd_templates.local.recorded_types import SPELLINGS
from cicd_templates.paths import BUILD, STATE
from cicd_templates.template.stack_template import StackTemplate

LOCAL_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Target:
    """One environment to work on: all its stacks, the chosen ones, and the clients of its account.

    `named` is true if the user named a layer; `caller` is the caller's ARN; the folder `state` keeps plans and
    journals.
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
        """Return the context of a deployment; with `wait`, busy stacks are waited for instead of refused."""
        recorded = frozenset(SPELLINGS) if self.engine else frozenset()
        return DeployContext(self.clients, self.polling, self.state, self.caller, revision(Path.cwd()), wait, recorded)

    def plan(
        self, reporter: Reporter, tools: PipelineHandover | None, path: Path | None = None, *, wait: bool = False
    ) -> Plan | None:
        """Plan the chosen stacks and write the plan; return None if no stack is left. Raise as `deployment.plan`.

        Without `tools`, which a protected environment needs, nothing is left to the pipeline.
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
        """Deploy the chosen stacks and report it. Raise as `deployment.deploy`.

        The templates go to the pipeline before anything else where its bucket is there, otherwise when there is one:
        after a question where they are others than it has, and after the question `confirm_others` where they change
        environments other than `deployed`, by default this one alone. What the pipeline writes by now is left to it;
        `RefusedError` where just that was asked for by name.
        """
        reporter.report(self.heading("Deploying"))
        stacks = self._deployable(reporter, tools)
        handover = TemplatesHandover(
            tools, reporter, deployed or frozenset({self.environment}), confirm, confirm_others
        )
        # The next release deploys them, also where nothing of this environment changes.
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
        """Execute exactly a plan and return the plan of the next wave. Raise as `deployment.execute_plan`.

        The templates are handed to the pipeline after all refusals of the plan have been ruled out, and after the
        question `confirm_others` where they change other environments. `RefusedError` where this environment is
        protected and the templates are in no commit.
        """
        reporter.report(self.heading("Deploying"))
        if self.protected and tools.commit.problem:
            raise RefusedError(
                f"{self.environment} is protected, so it is deployed from templates that are committed:"
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
        """Delete the plan in `path`, or all plans; return the number of change sets. Raise as `deployment.discard`."""
        return deployment.discard(self.context(), self.stacks, path)

    def _deployable(self, reporter: Reporter, tools: PipelineHandover | None) -> list[StackTemplate]:
        """Return the chosen stacks that the pipeline does not write. Raise `RefusedError` for kept resources."""
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
                f"{left[0].name}: releases write this stack, so deploying it here would put an older image or template"
                f" back; release instead: {release} APP=<source>"
            )
        for stack in left:
            reporter.report(Note(f"{stack.label}: left to the pipeline"))
        return [stack for stack in self.chosen if stack not in left]

    def _report_notes(self, reporter: Reporter) -> None:
        for note in self.notes():
            reporter.report(Note(note))

    def command(self, verb: str) -> str:
        """Return the make command for a verb on this environment, with its copy and the local AWS."""
        return hints.make(verb, **self.stacks[0].make_variables, LOCAL=self.engine is not None)

    def claims(self) -> dict[str, Claim]:
        """Return the plans and journals here that refer to stacks never created. Raise as `claims.claims`."""
        return claims(self.state, self.stacks[0], local=self.engine is not None)

    @property
    def labels(self) -> frozenset[str] | None:
        """Return the labels of the chosen stacks; None for all, including stacks that are no longer rendered."""
        return None if len(self.chosen) == len(self.stacks) else frozenset(stack.label for stack in self.chosen)

    def inventory(self) -> Inventory:
        """Return what exists of the environment, or of its chosen stacks."""
        scope, protected = scope_of(self.stacks), self.stacks[0].protected
        return take_inventory(self.clients, scope, protected=protected, labels=self.labels)

    def refuse_destruction(self, inventory: Inventory) -> None:
        """Raise `RefusedError` if a stack is not ours or if a remaining stack still needs a chosen one."""
        guards.refuse_foreign_stacks(self.clients, self.chosen)
        guards.refuse_still_needed(inventory, self.command("destroy"))

    def destroy(self, reporter: Reporter, inventory: Inventory) -> list[Remainder]:
        """Destroy what `inventory` lists, write destroy-report.json, and return and report what is left.

        Raise `CicdError` with the names of the stacks whose deletion failed.
        """
        left = destroy(self.clients, inventory, self.polling, reporter, self.recorded_remains)
        reporter.report(Left(self.environment, tuple(left)))
        return left

    def notes(self) -> list[str]:
        """Return what a reader must know about a local deployment: the resource types that were only recorded."""
        if self.engine is None:
            return []
        counts = Counter(entry["type"] for entry in self.engine.record.entries(self.account))
        types = ", ".join(f"{count} {name.removeprefix('AWS::')}" for name, count in sorted(counts.items()))
        return [f"only recorded, not built, by the local AWS: {types}"] if types else []

    def recorded_remains(self) -> list[Remainder]:
        """Return the recorded resources that no stack deleted; a correct destruction leaves none."""
        if self.engine is None:
            return []
        chosen = {stack.name for stack in self.chosen}
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

    With `local` it is on the running local AWS and never on AWS; what is remembered of an `engine` that is handed in
    goes with it. With `checked` the caller's account is compared first of all. Raises the errors of reading, of the
    credentials and of the account.
    """
    stacks = read_stacks(folder / environment.qualified)
    chosen = select(stacks, layer, service)
    account = stacks[0].account
    memory = STATE
    if local:
        memory = engine.folder if engine else STATE / "local"
        engine = engine or running_engine.required()
    else:
        engine = None
    clients, polling = open_account(environment, account, stacks[0].region, engine)
    caller = require_account(clients, account) if checked else ""
    return Target(stacks, chosen, clients, polling, engine, layer is not None, caller, memory)


@dataclass(frozen=True)
class Account:
    """The account of an environment, without templates: for copies that are not rendered here."""

    scope: Scope
    clients: Clients
    polling: Polling

    def sweep(self, copy: Scope, reporter: Reporter) -> int:
        """Destroy a disposable copy and report it; return the number of unexplained resources that are left."""
        reporter.report(Heading("Destroying", copy.qualified, copy.account, copy.region, ""))
        inventory = take_inventory(self.clients, copy, protected=False)
        make = hints.make("destroy", ENV=copy.environment, SUFFIX=copy.suffix, LOCAL=self.clients.local)
        guards.refuse_protected(copy.qualified, (), protected=inventory.protected, make=make)
        reporter.report(Inventoried(copy.qualified, inventory.items))
        left = destroy(self.clients, inventory, self.polling, reporter)
        reporter.report(Left(copy.qualified, tuple(left)))
        return sum(not remainder.explained for remainder in left)


def open_plain_account(environment: Environment, *, local: bool) -> Account:
    """Return the account of `environment`. Raise if the caller is in another account."""
    scope = Scope(environment.project.name, environment.name, None, environment.account, environment.region)
    engine = running_engine.required() if local else None
    clients, polling = open_account(environment, scope.account, scope.region, engine)
    require_account(clients, scope.account)
    return Account(scope, clients, polling)


def open_account(environment: Environment, account: str, region: str, engine: Engine | None) -> tuple[Clients, Polling]:
    """Return clients for the account and their polling; with `engine` for the local AWS."""
    if engine is not None:
        return local_clients(engine.url, account, region, engine.secret), Polling(poll_seconds=LOCAL_POLL_SECONDS)
    return aws_clients(region, environment.settings.profile, environment.settings.role_arn), Polling()


def open_tools(
    configuration: Configuration, folder: Path, *, local: bool, engine: Engine | None = None
) -> PipelineHandover:
    """Return the tools environment with the stacks of every environment, because a run may deploy all of them."""
    tools = next(environment for environment in configuration.environments if environment.kind == "tools")
    target = open_target(tools, folder, layer=None, service=None, local=local, engine=engine)
    stacks = [
        stack for environment in configuration.environments for stack in read_stacks(folder / environment.qualified)
    ]
    # The templates of a copy are never committed; its pipeline reaches the copy's environments only.
    commit = TemplatesCommit() if folder == BUILD else find_templates_commit(folder, stacks)
    return PipelineHandover(tools, target.clients, tuple(stacks), commit, target.caller)
