"""Defines the plan of a deployment, and writes and reads it. A deployment later executes exactly this plan.

`make deploy PLAN=` reads the JSON file. The reviewer reads the Markdown file beside it. In both files,
secrets are masked. This module does not call AWS.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cicd_templates.deploy.change_sets.drift import StackDrift
from cicd_templates.deploy.plans.seal import PlanFormat
from cicd_templates.errors import RefusedError
from cicd_templates.files.private_files import write_privately
from cicd_templates.template.changes.impact import Change, Impact, loss_in_words
from cicd_templates.template.changes.planned_stack import PlannedStack


@dataclass(frozen=True)
class Plan:
    """The plan of one wave, which is a group of stacks that can be planned at the same time.

    - `waits` maps each stack that cannot be planned yet to the stacks that must be deployed first.
    - `moved` contains the labels of the stacks that must be planned again, because this plan changes a value that they
      read.
    - `removed` contains the labels of stacks that are no longer rendered but still exist. The plan does not change
      them.
    - `drift` has the result of drift detection for each planned stack, or is None if no drift detection was made.
    - `kept_drift` maps labels of stacks to the reasons why the plan does not revert their drift.
    - `preview` is true if the plan only shows what would change. Its change sets are deleted, so it cannot be executed.
    """

    id: str
    environment: str
    suffix: str
    account: str
    region: str
    caller: str
    revision: str
    local: bool
    protected: bool
    created: datetime
    expires: datetime
    stacks: tuple[PlannedStack, ...]
    waits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    moved: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    drift: tuple[StackDrift, ...] | None = None
    kept_drift: dict[str, str] = field(default_factory=dict)
    preview: bool = False

    @property
    def name(self) -> str:
        """The environment's name without the suffix of a copy."""
        return self.environment.removesuffix(f"-{self.suffix}") if self.suffix else self.environment

    @property
    def make_variables(self) -> str:
        """The make variables that select the plan's environment, such as `ENV=staging SUFFIX=pr4918`."""
        copy = f" SUFFIX={self.suffix}" if self.suffix else ""
        return f"ENV={self.name}{copy}{' LOCAL=1' if self.local else ''}"

    @property
    def changing(self) -> tuple[PlannedStack, ...]:
        """The planned stacks that would change."""
        return tuple(stack for stack in self.stacks if stack.is_changing)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of all stacks in the plan, including those that cannot be planned yet."""
        return (*(stack.label for stack in self.stacks), *self.waits)

    @property
    def drifted(self) -> bool:
        """Whether a resource was changed outside CloudFormation, or a stack could not be checked for such changes."""
        return any(not stack.is_clean for stack in self.drift or ())

    @property
    def empty(self) -> bool:
        """Whether the plan has no changes and no stacks that wait for a later plan."""
        return not self.changing and not self.waits


@dataclass(frozen=True)
class DataLoss:
    """A stateful resource that a plan would delete or replace."""

    stack: str
    change: Change
    impact: Impact

    @property
    def name(self) -> str:
        """The name to pass to `--allow` to accept this data loss: `<label of the stack>/<logical id>`."""
        return f"{self.stack}/{self.change.logical_id}"

    @property
    def words(self) -> str:
        """A line that says what would happen to the resource and its data."""
        return loss_in_words(self.name, self.change, self.impact)


def losses(plan: Plan) -> list[DataLoss]:
    """Return the stateful resources that `plan` would delete or replace.

    In a protected environment, replacements that CloudFormation calls conditional are included.
    """
    return [
        DataLoss(stack.label, change, impact)
        for stack in plan.changing
        for change, impact in zip(stack.changes, stack.impacts, strict=True)
        if impact.loses and (impact.certain or plan.protected)
    ]


def exempt(plan: Plan, recorded: Iterable[str]) -> list[DataLoss]:
    """Return the possible data losses to which the user need not consent.

    `recorded` has the resource types that the local AWS only records. Resources of these types have no data.
    """
    return [loss for loss in losses(plan) if not loss.impact.certain and loss.change.resource_type in set(recorded)]


def refuse_losses(plan: Plan, allowed: Iterable[str], recorded: Iterable[str] = ()) -> None:
    """Raise `RefusedError` if the plan would delete or replace a stateful resource that is not in `allowed`."""
    named = list(dict.fromkeys(allowed))
    unnamed = [loss for loss in _guarded(plan, recorded) if not _names(plan, loss) & set(named)]
    if unnamed:
        listed = "\n".join(f"  {loss.words}" for loss in unnamed)
        raise RefusedError(
            f"{plan.environment}: the data of these resources would be lost:\n{listed}\n"
            f"  to allow that, list all of them: ALLOW={','.join([*named, *(loss.name for loss in unnamed)])}"
        )


def to_allow(plan: Plan, recorded: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names that the user must pass to `--allow`, so that `refuse_losses` accepts `plan`."""
    return tuple(loss.name for loss in _guarded(plan, recorded))


def unfitting(plan: Plan, allowed: Iterable[str], stacks: Iterable[str]) -> list[str]:
    """Return the names in `allowed` that are probably mistakes, because `plan` deletes no data of these resources.

    - `allowed` names the resources whose data may be deleted. A name begins with the label or the name of a stack.
    - `stacks` has the labels and the names of all stacks.

    If the plan does not contain the resource's stack, the name may be meant for another plan, so it is not returned.
    """
    fitting = {name for loss in losses(plan) for name in _names(plan, loss)}
    elsewhere = set(stacks) - {name for stack in plan.stacks for name in (stack.label, stack.name)}
    return [name for name in allowed if name not in fitting and name.partition("/")[0] not in elsewhere]


def _guarded(plan: Plan, recorded: Iterable[str]) -> list[DataLoss]:
    exempted = exempt(plan, recorded)
    return [loss for loss in losses(plan) if loss not in exempted]


def _names(plan: Plan, loss: DataLoss) -> set[str]:
    """Return the names that `--allow` accepts for a loss: `<label>/<logical id>` and `<stack name>/<logical id>`."""
    full_name = next(stack.name for stack in plan.stacks if stack.label == loss.stack)
    return {loss.name, f"{full_name}/{loss.change.logical_id}"}


DEPLOYMENT_PLANS: PlanFormat[Plan] = PlanFormat(
    "deployment", 7, Plan, "make plan ENV=", Path(".state/plans"), Path(".state/local/plans")
)


def write(plan: Plan, path: Path, summary: str, page: str = "") -> None:
    """Write `plan` to `path`, `summary` to a `.md` file beside it, and `page` to a `.html` file beside it.

    An empty `page` is not written. Only the owner may read the files.
    """
    DEPLOYMENT_PLANS.write(plan, path)
    write_privately(path.with_suffix(".md"), summary)
    if page:
        write_privately(path.with_suffix(".html"), page)


def digest(plan: Plan) -> str:
    """Return the SHA-256 of all fields of a plan. It shows whether the plan was changed."""
    return DEPLOYMENT_PLANS.digest(plan)


def read(path: Path) -> Plan:
    """Return the plan of a deployment in the file `path`. Raises the errors of `PlanFormat.read`."""
    return DEPLOYMENT_PLANS.read(path)


def files(folder: Path, environment: str) -> Iterator[Path]:
    """Yield the paths of an environment's plan files in `folder`. A deployment has one plan file for each wave."""
    yield from sorted(folder.glob(f"{environment}.json"))
    yield from sorted(folder.glob(f"{environment}.*.json"))


def remove(path: Path) -> None:
    """Remove the file of a plan, its summary and its page. A missing file is not an error."""
    for file in (path, path.with_suffix(".md"), path.with_suffix(".html")):
        file.unlink(missing_ok=True)
