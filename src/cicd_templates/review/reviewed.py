"""Templates read once for all that is said of them: each with its formatter and its statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from cicd_templates.review.formatting import Formatter, NameIndex
from cicd_templates.review.property_values import PropertyValue, property_values
from cicd_templates.review.statements import Statement, statements
from cicd_templates.template.stack_template import StackTemplate


@dataclass(frozen=True)
class Reviewed:
    """A template, what spells its values, and its IAM statements."""

    template: StackTemplate
    formatter: Formatter
    statements: tuple[Statement, ...]

    @cached_property
    def property_values(self) -> Mapping[str, list[PropertyValue]]:
        """Every value in the properties of each resource, by logical id."""
        return {
            name: property_values(resource.get("Properties", {})) for name, resource in self.template.resources.items()
        }


def reviewed(stacks: Sequence[StackTemplate]) -> list[Reviewed]:
    """All `stacks`, each spelled with the names of all of them."""
    names = NameIndex(stacks)
    found = []
    for stack in stacks:
        formatter = Formatter(stack, names)
        found.append(Reviewed(stack, formatter, tuple(statements(stack.resources, formatter))))
    return found
