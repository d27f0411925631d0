"""The plan as a document: what was shown, sealed, so that exactly that can be executed later. Pure; calls no AWS.

`plan.json` is for `make deploy PLAN=`, `plan.md` for the person who reviews. The digest is over every fact in it, so an
edited plan is no plan; secrets are masked before they come here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cicd_templates.deploy.change_sets.impact import Change, Verdict
from cicd_templates.deploy.change_sets.policy_diff import Grants
from cicd_templates.deploy.plans.seal import PlanFormat, write_privately
from cicd_templates.errors import RefusedError


@dataclass(frozen=True)
class PlannedStack:
    """One stack that could be looked at. `change_set` is empty where nothing would change.

    `inputs` are the values of Parameter Store that it reads, by path, and `kept` the parameters that another writer
    decides; `verdicts` and `changes` go side by side.
    """

    name: str
    label: str
    template_sha256: str
    creates: bool = False
    change_set: str = ""
    stack_id: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    grants: dict[str, Grants] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    longest_wait_seconds: float = 0.0


@dataclass(frozen=True)
class Plan:
    """One wave of one environment. `waits` are the stacks that cannot be looked at yet, with what they wait for."""

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

    @property
    def name(self) -> str:
        """The environment's name without the suffix of a copy."""
        return self.environment.removesuffix(f"-{self.suffix}") if self.suffix else self.environment

    @property
    def words(self) -> str:
        """How `make` is told the same environment."""
        copy = f" SUFFIX={self.suffix}" if self.suffix else ""
        return f"ENV={self.name}{copy}{' LOCAL=1' if self.local else ''}"

    @property
    def changing(self) -> tuple[PlannedStack, ...]:
        """The stacks that have a change set."""
        return tuple(stack for stack in self.stacks if stack.change_set)

    @property
    def labels(self) -> tuple[str, ...]:
        """Every stack that the plan is about, those that wait among them."""
        return (*(stack.label for stack in self.stacks), *self.waits)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do, now or later."""
        return not self.changing and not self.waits


@dataclass(frozen=True)
class Loss:
    """A stateful resource that a plan would take away."""

    stack: str
    change: Change
    verdict: Verdict

    @property
    def name(self) -> str:
        """How `--allow` names it."""
        return f"{self.stack}/{self.change.logical_id}"

    @property
    def words(self) -> str:
        """What would happen, in a line."""
        maybe = "" if self.verdict.certain else "perhaps "
        done = "deleted" if self.verdict.kind == "deletion" else "replaced"
        return f"{self.name} ({self.change.resource_type}): {maybe}{done}; {self.verdict.holds}: {self.verdict.fate}"


def losses(plan: Plan) -> list[Loss]:
    """The stateful resources that would go, what CloudFormation calls conditional counted in protected environments."""
    return [
        Loss(stack.label, change, verdict)
        for stack in plan.changing
        for change, verdict in zip(stack.changes, stack.verdicts, strict=True)
        if verdict.loses and (verdict.certain or plan.protected)
    ]


def exempt(plan: Plan, recorded: Iterable[str]) -> list[Loss]:
    """Those of the losses that are only said to be possible, of types that the local AWS has no real one of."""
    return [loss for loss in losses(plan) if not loss.verdict.certain and loss.change.resource_type in set(recorded)]


def refuse_losses(plan: Plan, allowed: Iterable[str], recorded: Iterable[str] = ()) -> None:
    """Raise `RefusedError` where a stateful resource would go that `allowed` does not name, with its label or stack."""
    named = list(dict.fromkeys(allowed))
    unnamed = [loss for loss in _guarded(plan, recorded) if not _names(plan, loss) & set(named)]
    if unnamed:
        listed = "\n".join(f"  {loss.words}" for loss in unnamed)
        raise RefusedError(
            f"{plan.environment}: what nobody can render again would be lost:\n{listed}\n"
            f"  if that is meant, name each of them: ALLOW={','.join([*named, *(loss.name for loss in unnamed)])}"
        )


def to_allow(plan: Plan, recorded: Iterable[str] = ()) -> tuple[str, ...]:
    """What `--allow` must name for `plan` to be executed; types in `recorded` are let pass as by `refuse_losses`."""
    return tuple(loss.name for loss in _guarded(plan, recorded))


def unfitting(plan: Plan, allowed: Iterable[str], stacks: Iterable[str]) -> list[str]:
    """Those of `allowed` that fit no loss, now or in another wave of `stacks`, which has their labels and names."""
    fitting = {name for loss in losses(plan) for name in _names(plan, loss)}
    elsewhere = set(stacks) - {name for stack in plan.stacks for name in (stack.label, stack.name)}
    return [name for name in allowed if name not in fitting and name.partition("/")[0] not in elsewhere]


def _guarded(plan: Plan, recorded: Iterable[str]) -> list[Loss]:
    spared = exempt(plan, recorded)
    return [loss for loss in losses(plan) if loss not in spared]


def _names(plan: Plan, loss: Loss) -> set[str]:
    """A loss goes by the label of its stack, or by the stack's whole name."""
    whole = next(stack.name for stack in plan.stacks if stack.label == loss.stack)
    return {loss.name, f"{whole}/{loss.change.logical_id}"}


FORMAT: PlanFormat[Plan] = PlanFormat("deployment", 2, Plan, "make plan ENV=")


def write(plan: Plan, path: Path, summary: str) -> None:
    """Write `path` and, beside it with the ending `.md`, `summary`. Only the owner may read them."""
    FORMAT.write(plan, path)
    write_privately(path.with_suffix(".md"), summary)


def digest(plan: Plan) -> str:
    """Return the SHA-256 over every fact of a plan, by which it is known to be unchanged."""
    return FORMAT.digest(plan)


def read(path: Path) -> Plan:
    """Return the plan in `path`; raises what `PlanFormat.read` raises."""
    return FORMAT.read(path)


def files(folder: Path, environment: str) -> Iterator[Path]:
    """The plans that lie in `folder` for an environment, those that a deployment wrote for its waves among them."""
    yield from sorted(folder.glob(f"{environment}.json"))
    yield from sorted(folder.glob(f"{environment}.*.json"))


def remove(path: Path) -> None:
    """Remove a plan and its summary; gone already is gone as well."""
    path.unlink(missing_ok=True)
    path.with_suffix(".md").unlink(missing_ok=True)
