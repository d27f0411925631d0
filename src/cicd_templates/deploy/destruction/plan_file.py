"""A destruction that was looked at before: written to a file, read again, and compared with what is there then."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cicd_templates import hints
from cicd_templates.deploy.destruction.inventory import Inventory
from cicd_templates.deploy.reporting.inventory_items import Fate
from cicd_templates.errors import ConfigurationError, RefusedError

PLAN_FILE = Path("destroy-plan.json")
LOCAL_PLAN_FILE = Path(".state/local/destroy-plan.json")
FORMAT = 1
GOING = (Fate.DELETED, Fate.EMPTIED, Fate.SCHEDULED)


def plan_file(*, local: bool) -> Path:
    """Where a plan is written."""
    return LOCAL_PLAN_FILE if local else PLAN_FILE


def write_plan(inventories: Sequence[Inventory], path: Path) -> None:
    """Write what would be destroyed, to be read by people and executed by `destroy --plan`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {"format": FORMAT, "environments": [_facts(inventory) for inventory in inventories]}
    path.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _facts(inventory: Inventory) -> dict[str, Any]:
    return {
        "environment": inventory.scope.qualified,
        "suffix": inventory.scope.suffix,
        "protected": inventory.protected,
        "account": inventory.scope.account,
        "region": inventory.scope.region,
        "labels": sorted(inventory.labels) if inventory.labels is not None else None,
        "stacks": {stack.stack_id: stack.changed.isoformat() for stack in inventory.stacks},
        "items": [asdict(item) for item in inventory.items],
    }


def read_plan(path: Path) -> list[dict[str, Any]]:
    """The environments of a plan, in the order of their destruction. Raises `ConfigurationError` where it is none."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}; make destroy ENV= ALLOW= writes one") from None
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or "environments" not in facts:
        deploying = ""
        # Those that `make plan` writes are sealed.
        if isinstance(facts, dict) and "digest" in facts:
            deploy = hints.make("deploy", PLAN=str(path), LOCAL=bool(facts.get("local")))
            deploying = f"; it is one of a deployment: {deploy}"
        raise ConfigurationError(f"{path}: not a plan of a destruction{deploying}")
    wanted = {"environment", "suffix", "protected", "account", "region", "labels", "stacks", "items"}
    environments = facts["environments"]
    if facts.get("format") != FORMAT or not _whole(environments, wanted):
        raise ConfigurationError(f"{path}: made by another version of make destroy; plan again")
    return list(environments)


def _whole(environments: Any, wanted: set[str]) -> bool:
    return isinstance(environments, list) and all(
        isinstance(each, dict) and wanted <= each.keys() for each in environments
    )


def refuse_changes(planned: dict[str, Any], inventory: Inventory) -> None:
    """Raise `RefusedError` where there is more to destroy now than was planned, or where it has changed since.

    What is gone already is no change: a destruction that was interrupted continues by the same plan.
    """
    name, scope = planned["environment"], inventory.scope
    if (planned["account"], planned["region"]) != (scope.account, scope.region):
        raise RefusedError(
            f"{name}: planned for account {planned['account']} in {planned['region']}, but its templates are for"
            f" {scope.account} in {scope.region}; plan again"
        )
    if inventory.protected and not planned["protected"]:
        raise RefusedError(f"{name}: it has been protected since the plan; plan again")
    known = {(item["resource_type"], item["name"]) for item in planned["items"] if item["fate"] in GOING}
    for stack in inventory.stacks:
        if planned["stacks"].get(stack.stack_id) != stack.changed.isoformat():
            raise RefusedError(f"{name}: {stack.name} has been deployed since the plan; plan again")
    for item in inventory.items:
        if item.fate in GOING and item.key not in known:
            raise RefusedError(
                f"{name}: {item.resource_type} {item.name} was not there when this was planned; plan again"
            )
