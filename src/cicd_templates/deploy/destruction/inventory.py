"""Lists all resources of an environment, and says for each of them what a destruction would do."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.kms import PENDING_DAYS
from cicd_templates.deploy.aws.resource_types.operations import EXISTS
from cicd_templates.deploy.aws.resource_types.registry import operations_of
from cicd_templates.deploy.destruction.deployed_stacks import (
    STACK_TYPE,
    DeployedStack,
    Owned,
    former_resources,
    list_project_stacks,
    read_deployed_stack,
)
from cicd_templates.deploy.destruction.removal_commands import state_of
from cicd_templates.deploy.destruction.scope import Scope
from cicd_templates.deploy.destruction.unmanaged import UnmanagedResource, unmanaged_resources
from cicd_templates.deploy.reporting.inventory_items import Fate, Item
from cicd_templates.template.arn import Arn
from cicd_templates.template.resource_types.registry import facts_of

SHELL = "REVIEW_IN_PROGRESS"
PARALLEL_READS = 8
UNPROVEN = "the name has the environment's prefix, but nothing proves that the resource belongs to the environment"
WINDOW = f"KMS deletes the key after {PENDING_DAYS} days"


@dataclass(frozen=True)
class Inventory:
    """Everything that belongs to an environment.

    - `labels`: the labels of the stacks that the user chose, or None for the whole environment.
    - `stacks`: the stacks to delete.
    - `others`: all other stacks of the project in the account.
    - `items`: the resources of `stacks`, and related resources that no stack owns. If `labels` is set, the resources
      that `stacks` did not create are left out.
    - `protected`: whether the data of the environment is kept.
    """

    scope: Scope
    protected: bool
    labels: frozenset[str] | None
    stacks: tuple[DeployedStack, ...]
    others: tuple[DeployedStack, ...]
    items: tuple[Item, ...]

    @property
    def to_delete(self) -> tuple[Item, ...]:
        """The items that no stack owns. They are not deleted with a stack, so `destroy` must delete them one by one.

        Items whose deletion is already scheduled are left out.
        """
        return tuple(
            item
            for item in self.items
            if not item.stack and (item.fate in (Fate.DELETED, Fate.EMPTIED) or item.detail == WINDOW)
        )


def take_inventory(
    clients: Clients, scope: Scope, *, protected: bool, labels: frozenset[str] | None = None
) -> Inventory:
    """Return the inventory of one environment.

    If `labels` is given, the inventory has only the stacks with these labels and the resources that they created. If
    `labels` is None, it has everything, even stacks and resources that are no longer in the templates.

    The inventory is protected if `protected` is true, or if one of its stacks has termination protection.
    """
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        stacks = list(pool.map(partial(read_deployed_stack, clients), list_project_stacks(clients, scope.project)))
    going = [stack for stack in stacks if scope.owns(stack.tags) and (labels is None or stack.label in labels)]
    others = [stack for stack in stacks if stack not in going]
    protected = protected or any(stack.guarded for stack in going)
    had = [owned for stack in going for owned in stack.resources]
    had += [owned for owned in former_resources(clients, scope) if labels is None or owned.stack in labels]
    items = [item for stack in going for item in _stack_items(clients, stack)]
    items += _unmanaged_items(clients, scope, had, going, others, protected=protected, whole=labels is None)
    return Inventory(scope, protected, labels, tuple(going), tuple(others), tuple(items))


def retake_inventory(clients: Clients, inventory: Inventory) -> Inventory:
    """Return a new inventory of the same environment and the same stack labels, read from AWS again.

    The new inventory also has the resources of stacks that were deleted after `inventory` was taken, even if their
    templates are no longer rendered.
    """
    names = inventory.scope.stack_names | {stack.name for stack in inventory.stacks}
    scope = replace(inventory.scope, stack_names=names)
    return take_inventory(clients, scope, protected=inventory.protected, labels=inventory.labels)


def _stack_items(clients: Clients, stack: DeployedStack) -> list[Item]:
    if stack.status == SHELL:
        return [Item(STACK_TYPE, stack.name, Fate.DELETED, stack.label, "a change set that was never executed")]
    return [_owned_item(clients, owned) for owned in stack.resources]


def _owned_item(clients: Clients, owned: Owned) -> Item:
    detail = ""
    if owned.kept:
        fate = Fate.RETAINED
    elif owned.resource_type == "AWS::KMS::Key":
        fate, detail = Fate.SCHEDULED, WINDOW
    elif owned.policy == "Snapshot":
        fate, detail = Fate.DELETED, "a final snapshot is kept"
    elif contents := operations_of(owned.resource_type).contents:
        fate, detail = Fate.EMPTIED, contents.describe(clients, owned.physical_id)
    else:
        fate = Fate.DELETED
    return Item(owned.resource_type, listed_name(owned), fate, owned.stack, detail)


def _unmanaged_items(
    clients: Clients,
    scope: Scope,
    had: Sequence[Owned],
    going: Sequence[DeployedStack],
    others: Sequence[DeployedStack],
    *,
    protected: bool,
    whole: bool,
) -> list[Item]:
    kept = {(owned.resource_type, listed_name(owned)): owned.stack for owned in had if owned.kept}
    living = [owned for stack in (*going, *others) for owned in stack.resources]
    owned_now, ids_now = (
        {(owned.resource_type, listed_name(owned)) for owned in living},
        {owned.physical_id for owned in living},
    )
    own_ids, other_ids = {stack.stack_id for stack in going}, {stack.stack_id for stack in others}
    items: dict[tuple[str, str], Item] = {}
    for found in unmanaged_resources(clients, scope, had, whole=whole):
        key = (found.resource_type, found.name)
        # A type that destroy does not know is listed by its ARN. Its stack may list it by its name or by another id.
        foreign_spelling = operations_of(found.resource_type).leftover is None and (
            found.stack_id in own_ids or found.name.rpartition("/")[2].rpartition(":")[2] in ids_now
        )
        if key in owned_now or found.stack_id in other_ids or foreign_spelling or _was_deleted(found, had):
            continue
        if standing := state_of(clients, *key):
            item = _unmanaged_item(found, standing, kept.get(key, ""), protected=protected)
            items[key] = _with_lock(clients, item)
    # If somebody removed the tags of a resource that a former stack kept, no listing above returns it.
    for key, stack in kept.items():
        if key not in owned_now and key not in items and (standing := state_of(clients, *key)):
            item = _unmanaged_item(UnmanagedResource(*key, ours=True), standing, stack, protected=protected)
            items[key] = _with_lock(clients, item)
    return list(items.values())


def _with_lock(clients: Clients, item: Item) -> Item:
    """Return `item`. If it is kept and its contents are locked, its `detail` also describes the lock."""
    contents = operations_of(item.resource_type).contents
    lock = contents.describe_lock(clients, item.name) if contents and item.fate is Fate.RETAINED else ""
    return replace(item, detail=f"{item.detail}; {lock}") if lock else item


def _was_deleted(found: UnmanagedResource, had: Sequence[Owned]) -> bool:
    """Return whether CloudFormation has deleted the resource `found` together with its stack.

    The tagging API still lists a resource up to 45 minutes after its deletion. For types that `state_of` can look up,
    the result is always False, because the caller asks `state_of`.
    """
    if operations_of(found.resource_type).leftover is not None:
        return False
    spellings = {found.name, found.name.rpartition(":")[2], found.name.rpartition("/")[2]}
    return any(
        owned.deleted_with == found.stack_id and owned.physical_id in spellings for owned in had if found.stack_id
    )


def _unmanaged_item(found: UnmanagedResource, standing: str, kept_by: str, *, protected: bool) -> Item:
    """Return the inventory item of a resource that no stack owns.

    `kept_by` is the deleted stack that kept the resource, or empty.
    """
    operations = operations_of(found.resource_type)

    def item(fate: Fate, detail: str) -> Item:
        return Item(found.resource_type, found.name, fate, "", detail)

    if not found.ours and not kept_by:
        return item(Fate.UNTOUCHED, UNPROVEN)
    if standing != EXISTS and (protected or found.resource_type != "AWS::SecretsManager::Secret"):
        return item(Fate.SCHEDULED, standing)
    if kept_by:
        return item(Fate.RETAINED, f"kept by policy: the data outlives the stack {kept_by}")
    if operations.leftover is None or operations.leftover.delete is None:
        return item(Fate.UNTOUCHED, "no stack owns the resource, and destroy does not know how to delete it")
    kept = facts_of(found.resource_type).kept_when_protected or operations.leftover.kept_when_protected
    if protected and kept:
        detail = "kept by policy, because the environment is protected; it belongs to no stack"
        return item(Fate.RETAINED, detail)
    if found.resource_type == "AWS::KMS::Key":
        return item(Fate.SCHEDULED, WINDOW)
    return item(Fate.EMPTIED if operations.contents else Fate.DELETED, "outside the stacks")


def listed_name(owned: Owned) -> str:
    """Return the name under which AWS lists a resource: the name of a secret or queue, otherwise the physical id.

    The ARN of a secret ends in a random suffix, which is not part of the name. The physical id of a queue is its URL,
    which ends in its name.
    """
    if owned.resource_type == "AWS::SQS::Queue":
        return owned.physical_id.rpartition("/")[2]
    if owned.resource_type == "AWS::SecretsManager::Secret" and owned.physical_id.startswith("arn:"):
        return Arn.parse(owned.physical_id).resource_name[:-7]
    return owned.physical_id
