"""Finds stacks of this tool whose service, environment or project is no longer in the configuration. Reads only.

It ignores copies of environments, because they are rendered only on the machine of the person who uses them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.destruction.deployed_stacks import label_of, list_our_stacks
from cicd_templates.deploy.destruction.scope import Scope, as_tags, scope_of
from cicd_templates.template.stack_template import StackTemplate

StackDescription = Mapping[str, Any]


def find_unknown_environments(
    clients: Clients, known: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[StackDescription]]:
    """Return the account's stacks of environments that are not in `known`, by project and environment.

    Only the region of `clients` is searched.
    """
    unknown: dict[tuple[str, str], list[StackDescription]] = {}
    for stack in list_our_stacks(clients):
        tags = as_tags(stack["Tags"])
        owner = (tags.get("Project", ""), tags.get("Environment", ""))
        if "Suffix" not in tags and owner not in known:
            unknown.setdefault(owner, []).append(stack)
    return unknown


def find_removed_stacks(clients: Clients, rendered: Sequence[StackTemplate]) -> list[str]:
    """Return the labels of an environment's stacks that exist in AWS but are no longer rendered.

    `rendered` are all rendered stacks of the environment.
    """
    scope, names = scope_of(rendered), {stack.name for stack in rendered}
    return sorted(
        _label(stack)
        for stack in list_our_stacks(clients)
        if scope.owns(as_tags(stack["Tags"])) and stack["StackName"] not in names
    )


def labels_of_service(clients: Clients, scope: Scope, service: str, layer: str | None = None) -> frozenset[str]:
    """Return the labels of the stacks in AWS whose tags name this service and environment, and `layer` if given."""
    wanted = {"Service": service, **({"Layer": layer} if layer else {})}
    owned = [stack for stack in list_our_stacks(clients) if scope.owns(as_tags(stack["Tags"]))]
    return frozenset(_label(stack) for stack in owned if wanted.items() <= as_tags(stack["Tags"]).items())


def _label(stack: StackDescription) -> str:
    return label_of(as_tags(stack["Tags"])) or str(stack["StackName"])
