"""A destruction from its inventory to its proof, with an account of it whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.api import describe_stack
from cicd_templates.deploy.destruction.deletion import DELETING
from cicd_templates.deploy.destruction.execution import Journal, execute
from cicd_templates.deploy.destruction.inventory import Inventory
from cicd_templates.deploy.destruction.proof import prove
from cicd_templates.deploy.destruction.report_file import report_file, write_report
from cicd_templates.deploy.reporting.inventory_items import Remainder
from cicd_templates.deploy.reporting.report import Reporter
from cicd_templates.errors import DetachedError


def destroy(
    clients: Clients,
    inventory: Inventory,
    polling: Polling,
    reporter: Reporter,
    also_left: Callable[[], list[Remainder]] = list,
    path: Path | None = None,
) -> list[Remainder]:
    """Destroy what `inventory` has; what is left of it. `also_left` adds what no service can tell.

    Termination protection is switched off where the inventory is protected: who calls this for one has been allowed
    to. The report is written also where it fails. Raises `CicdError` that names the stacks whose deletion failed, and
    `DetachedError` with what goes on in AWS where it was interrupted.
    """
    journal = Journal()
    remains: list[Remainder] | None = None
    try:
        execute(clients, inventory, polling, reporter, journal, unguard=inventory.protected)
        remains = prove(clients, inventory, polling) + also_left()
    except KeyboardInterrupt:
        raise _detached(clients, inventory) from None
    finally:
        write_report(inventory, journal, remains, path or report_file(local=clients.local))
    return remains


def _detached(clients: Clients, inventory: Inventory) -> DetachedError:
    described = {stack.label: describe_stack(clients, stack.stack_id) for stack in inventory.stacks}
    running = [label for label, found in described.items() if found and found["StackStatus"] == DELETING]
    state = f"{', '.join(running)} still being deleted in AWS" if running else "nothing is under way in AWS"
    return DetachedError(f"stopped: {state}; the same command continues")
