"""Finds what is left of an environment, and whether each remainder is meant to be left."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.destruction.deployed import STACK_TYPE
from cicd_templates.deploy.destruction.inventory import WINDOW, Inventory, retake_inventory
from cicd_templates.deploy.destruction.leftovers import removal_command
from cicd_templates.deploy.reporting.inventory_items import Fate, Item, Remainder

# The tagging API goes on listing deleted resources for a while, so unexplained remainders are looked for again after
# 1, 2, 4, 8 and 16 poll intervals: about a minute on AWS.
LOOKS = 6


def list_remainders(inventory: Inventory, *, stacks_too: bool) -> list[Remainder]:
    """Return what `inventory` has beside its stacks, unexplained remainders first.

    With `stacks_too` a stack is an unexplained remainder. Without, the environment lives, and what it made beside its
    stacks, such as older revisions, is explained.
    """
    lives = bool(inventory.stacks) and not stacks_too
    remainders = [_remainder(item, inventory.scope.region, lives=lives) for item in inventory.items if not item.stack]
    if stacks_too:
        remainders += [
            Remainder(
                STACK_TYPE,
                stack.name,
                f"its stack is still there, in {stack.status}",
                explained=False,
                command=removal_command(STACK_TYPE, stack.name, inventory.scope.region),
            )
            for stack in inventory.stacks
        ]
    return sorted(remainders, key=lambda remainder: (remainder.explained, remainder.resource_type, remainder.name))


def _remainder(item: Item, region: str, *, lives: bool) -> Remainder:
    how = removal_command(item.resource_type, item.name, region)
    if item.fate is Fate.RETAINED or (item.fate is Fate.SCHEDULED and item.detail != WINDOW):
        return Remainder(item.resource_type, item.name, item.detail, explained=True, command=how)
    if lives and item.fate is not Fate.UNTOUCHED:
        return Remainder(item.resource_type, item.name, "the environment made it and still lives", explained=True)
    again_deletes = "it is ours, and no stack owns it; destroying again deletes it"
    reason = item.detail if item.fate is Fate.UNTOUCHED else again_deletes
    return Remainder(item.resource_type, item.name, reason, explained=False, command=how)


def prove(clients: Clients, inventory: Inventory, polling: Polling) -> list[Remainder]:
    """Return what is left after the destruction of `inventory`, after `LOOKS` looks or once all of it is explained."""
    for look in range(LOOKS - 1):
        remains = list_remainders(retake_inventory(clients, inventory), stacks_too=True)
        if all(remainder.explained for remainder in remains):
            return remains
        polling.sleep(polling.poll_seconds * 2**look)
    return list_remainders(retake_inventory(clients, inventory), stacks_too=True)
