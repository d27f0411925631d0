"""What is left of an environment, and whether each thing is meant to be."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.destruction.deployed import STACK_TYPE
from cicd_templates.deploy.destruction.inventory import WINDOW, Inventory, again
from cicd_templates.deploy.destruction.leftovers import removal_by_hand
from cicd_templates.deploy.reporting.inventory_items import Fate, Item, Remainder

# The tagging API lists what is gone for a while, so what nothing explains is looked for again after 1, 2, 4 ... polls:
# about a minute on AWS.
LOOKS = 6


def left(inventory: Inventory, *, stacks_too: bool) -> list[Remainder]:
    """What `inventory` has beside its stacks, the unexplained first; with `stacks_too` no stack may be there either.

    Without, what a living environment has made beside its stacks, such as older revisions, is meant to be there.
    """
    lives = bool(inventory.stacks) and not stacks_too
    found = [_remainder(item, inventory.scope.region, lives=lives) for item in inventory.items if not item.stack]
    if stacks_too:
        found += [
            Remainder(
                STACK_TYPE,
                stack.name,
                f"its stack is still there, in {stack.status}",
                explained=False,
                by_hand=removal_by_hand(STACK_TYPE, stack.name, inventory.scope.region),
            )
            for stack in inventory.stacks
        ]
    return sorted(found, key=lambda each: (each.explained, each.resource_type, each.name))


def _remainder(item: Item, region: str, *, lives: bool) -> Remainder:
    how = removal_by_hand(item.resource_type, item.name, region)
    if item.fate is Fate.RETAINED or (item.fate is Fate.SCHEDULED and item.detail != WINDOW):
        return Remainder(item.resource_type, item.name, item.detail, explained=True, by_hand=how)
    if lives and item.fate is not Fate.UNTOUCHED:
        return Remainder(item.resource_type, item.name, "the environment made it and still lives", explained=True)
    again_deletes = "it is ours, and no stack owns it; destroying again deletes it"
    reason = item.detail if item.fate is Fate.UNTOUCHED else again_deletes
    return Remainder(item.resource_type, item.name, reason, explained=False, by_hand=how)


def prove(clients: Clients, inventory: Inventory, polling: Polling) -> list[Remainder]:
    """What is left after the destruction of `inventory`, once services have had time to say that things are gone."""
    for look in range(LOOKS - 1):
        remains = left(again(clients, inventory), stacks_too=True)
        if all(each.explained for each in remains):
            return remains
        polling.sleep(polling.poll_seconds * 2**look)
    return left(again(clients, inventory), stacks_too=True)
