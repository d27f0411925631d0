"""Determines from tags and name prefixes what belongs to one environment, or to one copy of an environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cicd_templates.template.stack_template import StackTemplate
from cicd_templates.template.tags import MANAGED_BY, MANAGED_BY_KEY


@dataclass(frozen=True)
class Scope:
    """The names and tags that identify one environment of a project, or one copy of an environment, in one account.

    `stack_names` are the names of the rendered stacks. If there are no templates, `stack_names` is empty. A stack of a
    copy is also recognized by the prefix of the stack's name.
    """

    project: str
    environment: str
    suffix: str | None
    account: str
    region: str
    stack_names: frozenset[str] = frozenset()

    @property
    def qualified(self) -> str:
        """The name of the environment, followed by the suffix of a copy: `staging` or `staging-pr4918`."""
        return f"{self.environment}-{self.suffix}" if self.suffix else self.environment

    @property
    def prefix(self) -> str:
        """The prefix of the environment's physical names, such as `shop-staging-`.

        The physical names of parallel copies, such as `shop-staging-pr4918-...`, have the same prefix.
        """
        return f"{self.project}-{self.qualified}-"

    @property
    def root(self) -> str:
        """The prefix of the environment's parameter paths and log group names. No other environment or copy uses it."""
        return f"/{self.project}/{self.qualified}/"

    @property
    def tags(self) -> dict[str, str]:
        """The tags that every resource of the environment has."""
        suffix = {"Suffix": self.suffix} if self.suffix else {}
        return {MANAGED_BY_KEY: MANAGED_BY, "Project": self.project, "Environment": self.environment, **suffix}

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Return whether a resource with `tags` belongs to this scope: one environment, or one copy of it.

        The resources of a copy belong only to the copy, not to the original environment.
        """
        return self.tags.items() <= tags.items() and tags.get("Suffix") == self.suffix

    def has_stack(self, name: str) -> bool:
        """Return whether a stack named `name` can belong to this scope: one environment, or one copy of it."""
        return name in self.stack_names or (self.suffix is not None and name.startswith(self.prefix))


def scope_of(stacks: Sequence[StackTemplate]) -> Scope:
    """Return the scope of the environment for which `stacks` were rendered."""
    facts = stacks[0].facts
    return Scope(
        facts.project,
        facts.environment,
        facts.suffix,
        stacks[0].account,
        stacks[0].region,
        frozenset(stack.name for stack in stacks),
    )


def as_tags(listed: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return tags as a dict. `listed` are the tags as an AWS service lists them.

    Most services use the fields `Key` and `Value`. KMS uses `TagKey` and `TagValue`, and ECS uses `key` and `value`.
    """
    return {
        str(tag.get("Key", tag.get("TagKey", tag.get("key")))): str(
            tag.get("Value", tag.get("TagValue", tag.get("value", "")))
        )
        for tag in listed
    }
