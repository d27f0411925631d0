"""Lists, for each resource that ECS tasks use, the task roles whose policies name the resource."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cicd_templates.review.reviewed_stacks import ReviewedStack

USER_HEADS = ("resource", "type", "part", "actions", "roles of tasks")
TASKS = "ecs-tasks.amazonaws.com"
# The roles of all tasks use the key and a log group, so a list of these roles would tell a reviewer nothing.
USED_BY_ALL = frozenset({"AWS::KMS::Key", "AWS::Logs::LogGroup"})
# A resource's name in an ARN, and the part after the name, such as a database user.
_NAMED = re.compile(r"(?:.*[:/])?([a-z][\w-]*\.[A-Z]\w*)(/.*|)")


@dataclass
class ServiceResources:
    """Collects, stack by stack, the resources of one environment and the task roles whose policies name them."""

    _types: dict[str, str] = field(default_factory=dict)
    _users: dict[str, dict[tuple[str, str], dict[str, None]]] = field(default_factory=dict)

    def add(self, stack: ReviewedStack) -> None:
        """Add the resources and the statements of a stack."""
        label = stack.template.label
        for logical_id, resource in stack.template.resources.items():
            if resource["Type"] not in USED_BY_ALL:
                self._types[f"{label}.{logical_id}"] = resource["Type"].removeprefix("AWS::")
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
        """Add the resources and roles of `other`, whose stacks come after the stacks of this collection."""
        self._types |= other._types
        for name, uses in other._users.items():
            own = self._users.setdefault(name, {})
            for use, roles in uses.items():
                own.setdefault(use, {}).update(roles)

    def rows(self) -> list[tuple[str, ...]]:
        """Return one row for each kind of use, in the order of the resources."""
        return [
            (name, resource_type, part, actions, ", ".join(roles))
            for name, resource_type in self._types.items()
            for (part, actions), roles in self._users.get(name, {}).items()
        ]
