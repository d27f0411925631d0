"""The templates of a review. Each is read once, with its formatter and its IAM statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from cicd_templates.review.formatting import Formatter, NameIndex
from cicd_templates.review.property_values import PropertyValue, property_values
from cicd_templates.review.statements import Statement, statements
from cicd_templates.template.stack_template import StackTemplate


@dataclass(frozen=True)
class ReviewedStack:
    """A template, the formatter of its values, and its IAM statements."""

    template: StackTemplate
    formatter: Formatter
    statements: tuple[Statement, ...]

    @cached_property
    def property_values(self) -> Mapping[str, list[PropertyValue]]:
        """All values in the properties of each resource, at any depth, keyed by logical id."""
        return {
            name: property_values(resource.get("Properties", {})) for name, resource in self.template.resources.items()
        }


def review_stacks(stacks: Sequence[StackTemplate]) -> list[ReviewedStack]:
    """Return `stacks` for a review. The formatter of each stack knows the names in all stacks."""
    names = NameIndex(stacks)
    reviewed_stacks = []
    for stack in stacks:
        formatter = Formatter(stack, names)
        reviewed_stacks.append(ReviewedStack(stack, formatter, tuple(statements(stack.resources, formatter))))
    return reviewed_stacks
