"""Writes and reads destroy-report.json, the report of destructions.

The report has one entry per account, project and environment. An entry lists what was deleted, what remains, and which
of the remaining resources can be imported. A destruction replaces only the entry of its own environment. All other
entries stay, because nothing else lists all KMS keys that destructions have kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cicd_templates.deploy.destruction.deployed_stacks import Owned
from cicd_templates.deploy.destruction.execution import DestructionRecord
from cicd_templates.deploy.destruction.inventory import Inventory
from cicd_templates.deploy.destruction.scope import Scope
from cicd_templates.deploy.reporting.inventory_items import Remainder
from cicd_templates.errors import CicdError, ConfigurationError
from cicd_templates.files.private_files import write_privately

REPORT_FILE = Path("destroy-report.json")
# A destruction on the local AWS must not overwrite the ids of real keys.
LOCAL_REPORT_FILE = Path(".state/local/destroy-report.json")


def report_file(*, local: bool) -> Path:
    """Return the default path of the report."""
    return LOCAL_REPORT_FILE if local else REPORT_FILE


def write_report(
    inventory: Inventory,
    record: DestructionRecord,
    remains: Sequence[Remainder] | None,
    path: Path,
    now: datetime | None = None,
) -> None:
    """Replace the report's entry for the environment of `inventory`.

    `remains` lists the resources that still exist. If the destruction has not ended or has failed, `remains` is None.

    One destruction can take several runs. So the kept resources of the old entry are copied to the new entry.

    Raises `CicdError` if the file cannot be written. The file then stays unchanged.
    """
    entries = _read_entries(path)
    kept = {(owned.stack, owned.logical_id): owned for owned in read_kept_resources(inventory.scope, path)}
    kept |= {(owned.stack, owned.logical_id): owned for owned in kept_resources(inventory)}
    entries[_entry_key(inventory.scope)] = {
        "project": inventory.scope.project,
        "environment": inventory.scope.qualified,
        "account": inventory.scope.account,
        "region": inventory.scope.region,
        "ended": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        "finished": remains is not None,
        "explained": remains is not None and all(remainder.explained for remainder in remains),
        "stacks": [asdict(deletion) for deletion in record.deletions],
        "inventory": [asdict(item) for item in inventory.items],
        "left": [asdict(remainder) for remainder in remains or ()],
        "kept": [asdict(owned) for owned in kept.values()],
    }
    try:
        write_privately(path, json.dumps(entries, indent=2) + "\n")
    except OSError as error:
        raise CicdError(f"{path}: cannot be written: {error.strerror}") from None


def kept_resources(inventory: Inventory) -> list[Owned]:
    """Return the resources in `inventory` whose deletion policy keeps them when their stack is deleted."""
    return [owned for stack in inventory.stacks for owned in stack.resources if owned.kept]


def _entry_key(scope: Scope) -> str:
    return f"{scope.account}/{scope.region}/{scope.project}/{scope.qualified}"


def read_kept_resources(scope: Scope, path: Path) -> list[Owned]:
    """Return the resources that earlier destructions of an environment have kept, according to the report in `path`.

    The result is empty if there is no report, or if the report has no entry for the environment. Raises
    `ConfigurationError` if the file is not a report of `destroy`.
    """
    try:
        return [Owned(**fields) for fields in _read_entries(path).get(_entry_key(scope), {}).get("kept", [])]
    except (TypeError, AttributeError):
        raise ConfigurationError(
            f"{path}: `make destroy` did not write this file; move it to another folder, then "
            f"run the same command again"
        ) from None


def _read_entries(path: Path) -> dict[str, Any]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        entries = None
    if not isinstance(entries, dict):
        raise ConfigurationError(
            f"{path}: `make destroy` did not write this file; move it to another folder, then "
            f"run the same command again"
        )
    return entries
