"""Runs a destruction from its inventory to its proof, and writes the report even if a step fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.cloudformation_calls import stack_status
from cicd_templates.deploy.destruction.deletion import DELETING
from cicd_templates.deploy.destruction.execution import DestructionRecord, execute_destruction
from cicd_templates.deploy.destruction.inventory import Inventory
from cicd_templates.deploy.destruction.remainders import prove
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
    """Destroy what `inventory` lists and return what is left of it; `also_left` returns more, which no service lists.

    If the inventory is protected, switch termination protection off: the caller has checked that this is allowed. The
    report is written even if the destruction fails. Raises `CicdError` with the names of the stacks that could not be
    deleted. After an interrupt, raises `DetachedError` with the deletions that AWS continues.
    """
    record = DestructionRecord()
    remains: list[Remainder] | None = None
    try:
        execute_destruction(clients, inventory, polling, reporter, record, unguard=inventory.protected)
        remains = prove(clients, inventory, polling) + also_left()
    except KeyboardInterrupt:
        raise _detached_error(clients, inventory) from None
    finally:
        write_report(inventory, record, remains, path or report_file(local=clients.local))
    return remains


def _detached_error(clients: Clients, inventory: Inventory) -> DetachedError:
    running = [stack.label for stack in inventory.stacks if stack_status(clients, stack.stack_id) == DELETING]
    state = f"AWS is still deleting {', '.join(running)}" if running else "nothing is in progress in AWS"
    return DetachedError(f"stopped: {state}; to continue, run the same command again")
