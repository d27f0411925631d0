"""Defines the plan of a destruction. The plan has a digest, and is compared with the account before its execution.

`plans/seal.py` writes and reads the plan's file, as it does for the plan of a deployment. Nothing is executed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cicd_templates.deploy.destruction.inventory import Inventory
from cicd_templates.deploy.plans.seal import VALID_FOR, PlanFormat, time_differences
from cicd_templates.deploy.reporting.inventory_items import Fate, Item
from cicd_templates.errors import RefusedError

PLAN_FILE = Path("destroy-plan.json")
LOCAL_PLAN_FILE = Path(".state/local/destroy-plan.json")
GOING = (Fate.DELETED, Fate.EMPTIED, Fate.SCHEDULED)


@dataclass(frozen=True)
class PlannedDestruction:
    """The planned destruction of one environment.

    `labels` are the labels of the chosen stacks, or None if all stacks are destroyed. `stacks` maps each stack id to
    the time of the stack's latest deployment. `items` are all items of the inventory, including those to be kept.
    """

    environment: str
    suffix: str | None
    protected: bool
    account: str
    region: str
    labels: tuple[str, ...] | None
    stacks: dict[str, datetime]
    items: tuple[Item, ...]


@dataclass(frozen=True)
class DestructionPlan:
    """The environments that one command destroys, in the order in which it destroys them."""

    created: datetime
    expires: datetime
    local: bool
    environments: tuple[PlannedDestruction, ...]


DESTRUCTION_PLANS: PlanFormat[DestructionPlan] = PlanFormat(
    "destruction", 2, DestructionPlan, "make destroy ENV= ALLOW=", PLAN_FILE.parent, LOCAL_PLAN_FILE.parent
)


def plan_file(*, local: bool) -> Path:
    """Return the default path of a destruction's plan."""
    return LOCAL_PLAN_FILE if local else PLAN_FILE


def plan_destruction(inventories: Sequence[Inventory], now: datetime, *, local: bool) -> DestructionPlan:
    """Return a plan to destroy exactly the items in `inventories`. The plan expires after a day."""
    return DestructionPlan(now, now + VALID_FOR, local, tuple(map(_plan_environment, inventories)))


def _plan_environment(inventory: Inventory) -> PlannedDestruction:
    return PlannedDestruction(
        environment=inventory.scope.qualified,
        suffix=inventory.scope.suffix,
        protected=inventory.protected,
        account=inventory.scope.account,
        region=inventory.scope.region,
        labels=None if inventory.labels is None else tuple(sorted(inventory.labels)),
        stacks={stack.stack_id: stack.changed for stack in inventory.stacks},
        items=inventory.items,
    )


def refuse_expired(plan: DestructionPlan, path: Path, now: datetime) -> None:
    """Raise `RefusedError` if the plan in `path` may not be executed at `now`.

    The error gives one of three reasons: the plan has expired, the plan would be valid for too long, or the plan's
    creation time is in the future.
    """
    if difference := next(time_differences(plan, now), None):
        raise RefusedError(f"{path}: {difference}; plan again")


def refuse_repetition(plan: DestructionPlan, path: Path) -> None:
    """Raise `RefusedError` if the plan in `path` lists an environment more than once."""
    names = [planned.environment for planned in plan.environments]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise RefusedError(f"{path}: the plan lists {', '.join(repeated)} more than once; plan again")


def refuse_changes(planned: PlannedDestruction, inventory: Inventory) -> None:
    """Raise `RefusedError` if the plan no longer fits the inventory. These are the cases:

    - The plan and the inventory are for different accounts or regions.
    - The environment became protected after the plan was made.
    - A stack was deployed after the plan was made.
    - A resource to delete is not in the plan.

    Planned resources that no longer exist are ignored, so that an interrupted destruction can continue with the same
    plan.
    """
    name, scope = planned.environment, inventory.scope
    if (planned.account, planned.region) != (scope.account, scope.region):
        raise RefusedError(
            f"{name}: planned for account {planned.account} in {planned.region}, but its templates are for"
            f" {scope.account} in {scope.region}; plan again"
        )
    if inventory.protected and not planned.protected:
        raise RefusedError(f"{name}: the environment became protected after it was planned; plan again")
    for stack in inventory.stacks:
        if planned.stacks.get(stack.stack_id) != stack.changed:
            raise RefusedError(f"{name}: {stack.name} was deployed after the destruction was planned; plan again")
    planned_keys = {item.key for item in planned.items if item.fate in GOING}
    for item in inventory.items:
        if item.fate in GOING and item.key not in planned_keys:
            raise RefusedError(
                f"{name}: {item.resource_type} {item.name} did not exist when the destruction was planned; plan again"
            )
