"""What belongs to one environment or one copy of it: its tags and how its names begin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cicd_templates.deploy.change_sets.stacks import Stack
from cicd_templates.template.tags import MANAGED_BY, MANAGED_BY_KEY


@dataclass(frozen=True)
class Scope:
    """One environment of a project in one account, or one copy of it.

    `stack_names` are the stacks that its templates have, where they are at hand; a copy is known by its names as well.
    """

    project: str
    environment: str
    suffix: str | None
    account: str
    region: str
    stack_names: frozenset[str] = frozenset()

    @property
    def qualified(self) -> str:
        """`staging`, or `staging-pr4918` of a copy."""
        return f"{self.environment}-{self.suffix}" if self.suffix else self.environment

    @property
    def prefix(self) -> str:
        """How its physical names begin; those of its copies begin so, too."""
        return f"{self.project}-{self.qualified}-"

    @property
    def root(self) -> str:
        """How its parameters and log groups begin; no other environment's do."""
        return f"/{self.project}/{self.qualified}/"

    @property
    def tags(self) -> dict[str, str]:
        """What everything of it is tagged with, and nothing else is."""
        suffix = {"Suffix": self.suffix} if self.suffix else {}
        return {MANAGED_BY_KEY: MANAGED_BY, "Project": self.project, "Environment": self.environment, **suffix}

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Whether something with `tags` is its own, and not another environment's, copy's or owner's."""
        return self.tags.items() <= tags.items() and tags.get("Suffix") == self.suffix

    def has_stack(self, name: str) -> bool:
        """Whether a stack of that name can be its own."""
        return name in self.stack_names or (self.suffix is not None and name.startswith(self.prefix))


def scope_of(stacks: Sequence[Stack]) -> Scope:
    """The scope of the environment that `stacks` are rendered for."""
    facts = stacks[0].facts
    return Scope(
        str(facts["Project"]),
        str(facts["Environment"]),
        facts.get("Suffix"),
        stacks[0].account,
        stacks[0].region,
        frozenset(stack.name for stack in stacks),
    )


def as_tags(listed: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Tags as a map; services list them as `Key` and `Value`, KMS as `TagKey` and `TagValue`, ECS in small letters."""
    return {
        str(tag.get("Key", tag.get("TagKey", tag.get("key")))): str(
            tag.get("Value", tag.get("TagValue", tag.get("value", "")))
        )
        for tag in listed
    }
