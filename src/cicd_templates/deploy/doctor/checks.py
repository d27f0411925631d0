"""Classes for the checks before a deployment: the environment to check, and the result of one check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stack
from cicd_templates.deploy.change_sets.stack_status_remedies import NEXT, Next
from cicd_templates.template.stack_template import StackTemplate


@dataclass(frozen=True)
class Check:
    """The result of one check.

    `fix` says how to correct the problem, or is empty if no problem was found. `read` is false if the subject of the
    check could not be read; `fix` is then empty, too.
    """

    subject: str
    finding: str
    fix: str = ""
    read: bool = True

    @property
    def status(self) -> str:
        """Return the word for the result: `fix` for a problem, `?` if the subject could not be read, otherwise `ok`."""
        return "fix" if self.fix else "ok" if self.read else "?"


@dataclass(frozen=True)
class ExaminedEnvironment:
    """The environment that is checked: clients for its account, its rendered stacks, and its provided values.

    A provided value, such as a VPC's id, is set in the configuration instead of being read from a stack.
    """

    clients: Clients
    stacks: Sequence[StackTemplate]
    provided: Mapping[str, str] = field(default_factory=dict)

    def resources(
        self, *types: str, of: Sequence[StackTemplate] | None = None
    ) -> Iterator[tuple[StackTemplate, str, dict[str, Any]]]:
        """Yield the stack, the logical id and the properties of every resource of the given types in the templates.

        If `of` is given, only the stacks in `of` are searched.
        """
        for stack in self.stacks if of is None else of:
            for logical_id, resource in stack.resources.items():
                if resource["Type"] in types:
                    yield stack, logical_id, resource.get("Properties", {})

    @cached_property
    def missing(self) -> list[StackTemplate]:
        """Return the stacks that a deployment would create: they do not exist, or their first creation has failed."""
        return [stack for stack in self.stacks if self._creates(stack)]

    def _creates(self, stack: StackTemplate) -> bool:
        existing = describe_stack(self.clients, stack.name)
        return existing is None or NEXT[existing["StackStatus"]] in (Next.CREATE, Next.RECREATE)
