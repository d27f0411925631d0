"""Runs a destruction from its inventory to the list of remaining resources. Writes the report even if a step fails."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.change_sets.cloudformation_calls import stack_status
from cicd_templates.deploy.destruction.deletion import DELETING
from cicd_templates.deploy.destruction.execution import DestructionRecord, execute_destruction
from cicd_templates.deploy.destruction.inventory import Inventory
from cicd_templates.deploy.destruction.remainders import wait_for_remainders
from cicd_templates.deploy.destruction.report_file import kept_resources, report_file, write_report
from cicd_templates.deploy.reporting.inventory_items import Remainder
from cicd_templates.deploy.reporting.report import Left, Note, Reporter
from cicd_templates.errors import CicdError, DetachedError

AGAIN = "to continue, run the same command again"


def destroy(
    clients: Clients,
    inventory: Inventory,
    polling: Polling,
    reporter: Reporter,
    also_left: Callable[[], list[Remainder]] = list,
    path: Path | None = None,
    *,
    require_lock: Callable[[], None] = lambda: None,
) -> list[Remainder]:
    """Destroy what `inventory` lists, and return the resources that are left.

    Only call this function with the user's consent: it switches the termination protection of the stacks off.

    - `require_lock` is called before each deletion of a stack.
    - `also_left` is called after the last deletion. Its resources are added to the result.
    - The report is written to `path` before the first deletion, and again at the end, even if the destruction fails. If
      the first report cannot be written, nothing is deleted.

    Raises `CicdError` with the names of the stacks that could not be deleted. Raises `DetachedError` if the destruction
    stops early, and AWS may still be deleting stacks. After Ctrl-C, the `DetachedError` names the stacks being deleted.
    """
    record = DestructionRecord()
    remains: list[Remainder] | None = None
    file = path or report_file(local=clients.local)
    try:
        write_report(inventory, record, None, file)
    except CicdError as error:
        raise CicdError(
            f"{error}; nothing was deleted: the file must be writable, because it will list the resources that remain"
        ) from None
    try:
        execute_destruction(
            clients, inventory, polling, reporter, record, unguard=inventory.protected, require_lock=require_lock
        )
        remains = wait_for_remainders(clients, inventory, polling) + also_left()
    except BaseException as error:
        with contextlib.suppress(CicdError):
            _write_or_show_report(inventory, record, remains, file, reporter)
        if isinstance(error, KeyboardInterrupt):
            raise _detached_error(clients, inventory) from None
        if isinstance(error, DetachedError):
            raise DetachedError(f"{error}; AWS continues the deletions that have begun; {AGAIN}") from None
        raise
    _write_or_show_report(inventory, record, remains, file, reporter)
    return remains


def _write_or_show_report(
    inventory: Inventory,
    record: DestructionRecord,
    remains: list[Remainder] | None,
    file: Path,
    reporter: Reporter,
) -> None:
    """Write the report. If this fails, print what is left and what was kept, and raise `CicdError`."""
    try:
        write_report(inventory, record, remains, file)
    except CicdError as error:
        if remains is not None:
            reporter.report(Left(inventory.scope.qualified, tuple(remains)))
        for owned in kept_resources(inventory):
            reporter.report(
                Note(f"kept: {owned.resource_type} {owned.physical_id} of {owned.stack} {owned.logical_id}")
            )
        reporter.report(Note(str(error)))
        raise CicdError(
            f"{error}; copy the list of kept resources above, because it was not written to the file"
        ) from None


def _detached_error(clients: Clients, inventory: Inventory) -> DetachedError:
    running = [stack.label for stack in inventory.stacks if stack_status(clients, stack.stack_id) == DELETING]
    state = f"AWS is still deleting {', '.join(running)}" if running else "nothing is in progress in AWS"
    return DetachedError(f"stopped: {state}; {AGAIN}", under_way=bool(running))
