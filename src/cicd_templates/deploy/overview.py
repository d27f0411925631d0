"""How the stacks of an environment stand, and what they gave out. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cicd_templates.deploy.changes import describe_stack
from cicd_templates.deploy.clients import Clients
from cicd_templates.deploy.stacks import Stack

NOT_DEPLOYED = "not deployed"


@dataclass(frozen=True)
class Row:
    """One stack: CloudFormation's status or `not deployed`, and when it last changed, in UTC."""

    stack: str
    status: str
    changed: str


def status_rows(clients: Clients, stacks: Sequence[Stack]) -> list[Row]:
    """A row a stack, in deploy order."""
    rows = []
    for stack in stacks:
        existing = describe_stack(clients, stack.name)
        if existing is None:
            rows.append(Row(stack.label, NOT_DEPLOYED, ""))
        else:
            changed = existing.get("LastUpdatedTime") or existing["CreationTime"]
            rows.append(Row(stack.label, existing["StackStatus"], f"{changed:%Y-%m-%d %H:%M:%S}"))
    return rows


def outputs(clients: Clients, stacks: Sequence[Stack]) -> dict[str, dict[str, str]]:
    """The outputs of each deployed stack that has any, by its label."""
    found = {}
    for stack in stacks:
        existing = describe_stack(clients, stack.name) or {}
        values = {output["OutputKey"]: output["OutputValue"] for output in existing.get("Outputs", ())}
        if values:
            found[stack.label] = dict(sorted(values.items()))
    return found
