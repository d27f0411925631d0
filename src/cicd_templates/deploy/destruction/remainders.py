"""Finds the resources of an environment that no stack owns, and explains why some of them remain on purpose."""

from __future__ import annotations

from dataclasses import replace

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.aws_commands import for_caller
from cicd_templates.deploy.destruction.deployed_stacks import STACK_TYPE
from cicd_templates.deploy.destruction.inventory import WINDOW, Inventory, retake_inventory
from cicd_templates.deploy.destruction.removal_commands import removal_command
from cicd_templates.deploy.destruction.scope import Scope
from cicd_templates.deploy.reporting.inventory_items import Fate, Item, Remainder
from cicd_templates.errors import CicdError
from cicd_templates.plurals import counted

# The tagging API still lists deleted resources for a while. If there are unexplained remainders, the inventory is
# therefore taken again after 1, 2, 4, 8 and 16 more poll intervals, which is about a minute in AWS.
LOOKS = 6
WHILE_IN_USE = "no stack owns the resource, so it stays until the environment that created it is destroyed"


def list_remainders(clients: Clients, inventory: Inventory, *, stacks_too: bool) -> list[Remainder]:
    """Return the resources of `inventory` that no stack owns. Resources that remain for an unknown reason come first.

    - If `stacks_too` is true, the environment has been destroyed. The result also has the stacks that still exist.
    - If `stacks_too` is false and `inventory` has stacks, the environment is in use. This explains why some resources
      remain, such as older task definition revisions.
    """
    lives = bool(inventory.stacks) and not stacks_too
    remainders = [_remainder(item, inventory.scope, lives=lives) for item in inventory.items if not item.stack]
    if stacks_too:
        remainders += [
            Remainder(
                STACK_TYPE,
                stack.name,
                f"the stack still exists (status {stack.status})",
                explained=False,
                command=removal_command(STACK_TYPE, stack.name, inventory.scope.region),
            )
            for stack in inventory.stacks
        ]
    remainders = [
        replace(remainder, command=for_caller(remainder.command, clients, inventory.scope.account))
        for remainder in remainders
    ]
    return sorted(remainders, key=lambda remainder: (remainder.explained, remainder.resource_type, remainder.name))


def _remainder(item: Item, scope: Scope, *, lives: bool) -> Remainder:
    how = removal_command(item.resource_type, item.name, scope.region)
    if item.fate is Fate.RETAINED or (item.fate is Fate.SCHEDULED and item.detail != WINDOW):
        return Remainder(item.resource_type, item.name, item.detail, explained=True, command=how)
    if lives and item.fate is not Fate.UNTOUCHED:
        return Remainder(item.resource_type, item.name, WHILE_IN_USE, explained=True)
    again_deletes = "the resource belongs to the environment, but no stack owns it; destroy again to delete it"
    reason = item.detail if item.fate is Fate.UNTOUCHED else again_deletes
    return Remainder(item.resource_type, item.name, reason, explained=False, command=how)


def wait_for_remainders(clients: Clients, inventory: Inventory, polling: Polling) -> list[Remainder]:
    """Return the resources that remain after the destruction of `inventory`.

    Lists the resources in AWS up to `LOOKS` times, until the reason is known for each resource that remains.
    """
    for look in range(LOOKS - 1):
        remains = list_remainders(clients, retake_inventory(clients, inventory), stacks_too=True)
        if all(remainder.explained for remainder in remains):
            return remains
        polling.sleep(polling.poll_seconds * 2**look)
    return list_remainders(clients, retake_inventory(clients, inventory), stacks_too=True)


def refuse_unexplained(count: int) -> None:
    """Raise `CicdError` if `count`, the number of resources that are left for an unknown reason, is not 0."""
    if count:
        are = "is" if count == 1 else "are"
        raise CicdError(f"{counted(count, 'resource')} {are} left for an unknown reason; see the list above")
