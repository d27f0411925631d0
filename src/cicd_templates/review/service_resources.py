"""Lists the resources that ECS tasks use, each with the task roles whose policies name this resource."""

from __future__ import annotations

import re
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

from cicd_templates.review.reviewed_stacks import ReviewedStack

USER_HEADS = ("resource", "type", "part", "actions", "roles of tasks")
TASKS = "ecs-tasks.amazonaws.com"
# The roles of all tasks use the key and a log group, so a list of these roles would tell a reviewer nothing.
USED_BY_ALL = frozenset({"AWS::KMS::Key", "AWS::Logs::LogGroup"})
# A resource's name in an ARN, and the part after the name, such as a database user.
_NAMED = re.compile(r"(?:.*[:/])?([a-z][\w-]*\.[A-Z]\w*)(/.*|)")

# The logical id and the type of each resource of a stack.
Types: TypeAlias = tuple[tuple[str, str], ...]


class ServiceResources:
    """Collects the resources of one environment, each with the task roles whose policies name this resource."""

    def __init__(self) -> None:
        self._types: dict[str, Types] = {}
        self._equal_types: dict[Types, Types] = {}
        self._users: dict[str, dict[tuple[str, str], dict[str, None]]] = {}

    def add(self, stack: ReviewedStack) -> None:
        """Add the resources and the statements of a stack."""
        label = stack.template.label
        self._add_types(
            label,
            tuple(
                (logical_id, resource["Type"].removeprefix("AWS::"))
                for logical_id, resource in stack.template.resources.items()
                if resource["Type"] not in USED_BY_ALL
            ),
        )
        of_tasks = {
            statement.holder
            for statement in stack.statements
            if statement.is_trust and TASKS in statement.principal_texts
        }
        for statement in stack.statements:
            if statement.holder in of_tasks and not statement.is_trust and statement.effect == "Allow":
                for named in filter(None, map(_NAMED.fullmatch, statement.resource_texts)):
                    name, part = named.groups()
                    uses = self._users.setdefault(name, {}).setdefault((part, statement.actions_text), {})
                    uses[f"{label}.{statement.holder}"] = None

    def extend(self, other: ServiceResources) -> None:
        """Add the contents of `other`, whose stacks are deployed after the stacks of this object."""
        for label, types in other._types.items():
            self._add_types(label, types)
        for name, uses in other._users.items():
            own = self._users.setdefault(name, {})
            for use, roles in uses.items():
                own.setdefault(use, {}).update(roles)

    def to_plain(self) -> list[Any]:
        """Return the contents as a value that JSON can represent; see `extend_plain`."""
        users = [[name, [[*use, list(roles)] for use, roles in uses.items()]] for name, uses in self._users.items()]
        # Stacks of the same layer follow each other, and often have the same resources.
        runs = [[[label for label, _ in run], types] for types, run in groupby(self._types.items(), key=itemgetter(1))]
        return [runs, users]

    def extend_plain(self, plain: list[Any]) -> None:
        """Add the contents of another collection. `plain` is what the `to_plain` of that collection returned."""
        runs, users = plain
        for labels, listed in runs:
            types = tuple((logical_id, kind) for logical_id, kind in listed)
            for label in labels:
                self._add_types(label, types)
        for name, uses in users:
            own = self._users.setdefault(name, {})
            for part, actions, roles in uses:
                own.setdefault((part, actions), {}).update(dict.fromkeys(roles))

    def rows(self) -> list[tuple[str, ...]]:
        """Return the rows in the order of the resources.

        Each row has a resource, its type, the accessible part of the resource (empty for the whole resource), the
        allowed actions, and the task roles that have this access.
        """
        return [
            (f"{label}.{logical_id}", resource_type, part, actions, ", ".join(roles))
            for label, types in self._types.items()
            for logical_id, resource_type in types
            for (part, actions), roles in self._users.get(f"{label}.{logical_id}", {}).items()
        ]

    def _add_types(self, label: str, types: Types) -> None:
        # The stacks of a layer often have the same resources for each service, which are then in memory once.
        self._types[label] = self._equal_types.setdefault(types, types)
