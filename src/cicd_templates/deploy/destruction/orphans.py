"""Finds deployed stacks of this tool whose layer, service, environment or project is no longer in the configuration.

This module changes nothing. It ignores copies of environments, because the templates of a copy exist only on the
machine of the person who uses the copy.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.rendered_stacks import asked, choices
from cicd_templates.deploy.destruction.deployed_stacks import label_of, list_our_stacks
from cicd_templates.deploy.destruction.scope import as_tags, scope_of
from cicd_templates.errors import ConfigurationError
from cicd_templates.template.stack_template import StackTemplate

StackDescription = Mapping[str, Any]


def find_unknown_environments(
    clients: Clients, known: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[StackDescription]]:
    """Return the account's stacks whose environments are not in `known`, grouped by project and environment.

    Only the region of `clients` is searched.
    """
    unknown: dict[tuple[str, str], list[StackDescription]] = {}
    for stack in list_our_stacks(clients):
        tags = as_tags(stack["Tags"])
        owner = (tags.get("Project", ""), tags.get("Environment", ""))
        if "Suffix" not in tags and owner not in known:
            unknown.setdefault(owner, []).append(stack)
    return unknown


@dataclass(frozen=True)
class RemovedStack:
    """A stack that exists in AWS but is no longer rendered for its environment. The fields are read from its tags.

    If the stack has no tag for its layer, `layer` is empty and the label of the stack is its name.
    """

    label: str
    layer: str = ""
    service: str | None = None


def find_removed_stacks(
    clients: Clients, rendered: Sequence[StackTemplate], existing: Mapping[str, StackDescription] | None = None
) -> list[RemovedStack]:
    """Return an environment's stacks that exist in AWS but are no longer rendered, sorted by label.

    `rendered` are all rendered stacks of the environment. `existing` has the descriptions of all stacks in the account.
    If `existing` is None, the function reads them.
    """
    scope, names = scope_of(rendered), {stack.name for stack in rendered}
    removed = []
    for stack in list_our_stacks(clients, existing):
        tags = as_tags(stack["Tags"])
        if scope.owns(tags) and stack["StackName"] not in names:
            label = label_of(tags) or str(stack["StackName"])
            removed.append(RemovedStack(label, tags.get("Layer", ""), tags.get("Service")))
    return sorted(removed, key=lambda stack: stack.label)


def labels_of_removed(
    clients: Clients, rendered: Sequence[StackTemplate], layer: str | None, service: str | None
) -> frozenset[str]:
    """Return the labels of stacks with this layer and service that exist in AWS but are no longer rendered.

    If `layer` is None, it stands for every layer. If `service` is None, it stands for every service. Raises
    `ConfigurationError` if no such stack is found.
    """
    removed = find_removed_stacks(clients, rendered)
    labels = frozenset(
        stack.label for stack in removed if layer in (None, stack.layer) and service in (None, stack.service)
    )
    if not labels:
        raise ConfigurationError(
            f"no stack of {asked(layer, service)} in {rendered[0].links.environment} is rendered or exists in AWS;"
            f" {choices([*rendered, *removed], layer, service)}"
        )
    return labels


def destroying_choices(removed: Sequence[RemovedStack], rendered: Sequence[StackTemplate]) -> list[dict[str, str]]:
    """Return the `make destroy` commands that delete the stacks in `removed`. A command is a dict of make variables.

    No command deletes a stack that is still rendered:

    - If none of a service's stacks is rendered, one command deletes all stacks of the service.
    - If some of a service's stacks are rendered, each removed stack of the service gets a command of its own.
    - A stack without a service gets a command only if its layer is no longer rendered, because the command deletes the
      whole layer.
    """
    services, layers = {stack.service for stack in rendered}, {stack.layer for stack in rendered}
    choices: list[dict[str, str]] = []
    for stack in removed:
        if stack.service and stack.service not in services:
            choice = {"SERVICE": stack.service}
        elif stack.service and stack.layer:
            choice = {"LAYER": stack.layer, "SERVICE": stack.service}
        elif stack.layer and stack.layer not in layers:
            choice = {"LAYER": stack.layer}
        else:
            continue
        if choice not in choices:
            choices.append(choice)
    return choices
