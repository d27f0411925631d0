"""The account of a destruction in destroy-report.json: what was done, what is left and why, and the way back.

One entry for each environment of a project in an account: a destruction of another leaves it alone, because the ids
of kept keys stand in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cicd_templates.deploy.destruction.deployed import Owned
from cicd_templates.deploy.destruction.execution import Journal
from cicd_templates.deploy.destruction.inventory import Inventory
from cicd_templates.deploy.destruction.scope import Scope
from cicd_templates.deploy.reporting.inventory_items import Remainder
from cicd_templates.errors import ConfigurationError

REPORT_FILE = Path("destroy-report.json")
# What happened on the local AWS must not replace the ids of real keys.
LOCAL_REPORT_FILE = Path(".state/local/destroy-report.json")


def report_file(*, local: bool) -> Path:
    """Where the account of destructions stands."""
    return LOCAL_REPORT_FILE if local else REPORT_FILE


def write_report(
    inventory: Inventory,
    journal: Journal,
    remains: Sequence[Remainder] | None,
    path: Path,
    now: datetime | None = None,
) -> None:
    """Put the entry of one environment into the report; what it says of the others stays. No `remains`: it failed.

    What a run before this one kept is kept in the entry, so that one that continues does not forget it.
    """
    everything = _read(path)
    kept = {(each.stack, each.logical_id): each for each in kept_by_report(inventory.scope, path)}
    kept |= {(each.stack, each.logical_id): each for stack in inventory.stacks for each in stack.resources if each.kept}
    everything[_entry(inventory.scope)] = {
        "project": inventory.scope.project,
        "environment": inventory.scope.qualified,
        "account": inventory.scope.account,
        "region": inventory.scope.region,
        "ended": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        "finished": remains is not None,
        "explained": remains is not None and all(each.explained for each in remains),
        "stacks": [asdict(step) for step in journal.steps],
        "inventory": [asdict(item) for item in inventory.items],
        "left": [asdict(each) for each in remains or ()],
        "kept": [asdict(each) for each in kept.values()],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(everything, indent=2) + "\n", encoding="utf-8")


def _entry(scope: Scope) -> str:
    return f"{scope.account}/{scope.region}/{scope.project}/{scope.qualified}"


def kept_by_report(scope: Scope, path: Path) -> list[Owned]:
    """What a destruction of just this environment kept, as its report says; nothing where there is none."""
    try:
        return [Owned(**each) for each in _read(path).get(_entry(scope), {}).get("kept", [])]
    except (TypeError, AttributeError):
        raise ConfigurationError(f"{path}: not a report that destroy wrote; move it away") from None


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        raise ConfigurationError(f"{path}: not a report that destroy wrote; move it away")
    return facts
