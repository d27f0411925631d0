"""Provides the templates of a review, each with its IAM statements and with a formatter for its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Protocol

from cicd_templates.review.formatting import Formatter
from cicd_templates.review.name_index import NameIndex
from cicd_templates.review.property_values import PropertyValue, property_values
from cicd_templates.review.statements import Statement, statements
from cicd_templates.template.stack_facts import StackFacts
from cicd_templates.template.stack_template import StackTemplate


class ReviewedStack:
    """A template, and a formatter for the values in it."""

    def __init__(self, template: StackTemplate, formatter: Formatter) -> None:
        self.template = template
        self.formatter = formatter

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The IAM statements, in the order of the template."""
        return tuple(statements(self.template.resources, self.formatter))

    @cached_property
    def property_values(self) -> Mapping[str, list[PropertyValue]]:
        """Map each logical id to all simple values, at any depth, in the properties of the resource."""
        return {
            name: property_values(resource.get("Properties", {})) for name, resource in self.template.resources.items()
        }


class Templated(Protocol):
    """The interface of objects that have a template. Reading an attribute can be slow, because it may load a file."""

    @property
    def without_text(self) -> StackTemplate:
        """The template, possibly with an empty field `text`, because a review does not read this field."""
        ...

    @property
    def facts(self) -> StackFacts:
        """The facts about the stack."""
        ...

    @property
    def names(self) -> NameIndex:
        """The index that finds the template's resources by their physical names."""
        ...

    @property
    def label(self) -> str:
        """The short name of the stack."""
        ...


class ReviewedStacks:
    """The stacks of a review, in the order of their templates.

    A `ReviewedStack` is made from its template on each access and is not stored. So a review of thousands of stacks
    needs little memory. Each formatter knows the names of the resources in all stacks.
    """

    def __init__(self, sources: Sequence[Templated]) -> None:
        self._sources = sources
        self._by_label: dict[str, dict[str, Templated]] = {}
        for source in sources:
            self._by_label.setdefault(source.facts.qualified_environment, {})[source.label] = source

    @cached_property
    def _names(self) -> NameIndex:
        # Each process that reviews stacks joins all names. So a process that only starts others does not have them.
        names = NameIndex(())
        for source in self._sources:
            names.extend(source.names)
        return names

    def by_label(self, environment: str) -> Mapping[str, ReviewedStack]:
        """Return the stacks of an environment, keyed by their short names."""
        return _StacksByLabel(self, self._by_label.get(environment, {}))

    def review(self, source: Templated) -> ReviewedStack:
        """Return a `ReviewedStack` with the template of `source`."""
        template = source.without_text
        return ReviewedStack(template, Formatter(template, self._names))


class _StacksByLabel(Mapping[str, ReviewedStack]):
    def __init__(self, stacks: ReviewedStacks, sources: Mapping[str, Templated]) -> None:
        self._stacks, self._sources = stacks, sources

    def __getitem__(self, label: str) -> ReviewedStack:
        return self._stacks.review(self._sources[label])

    def __contains__(self, label: object) -> bool:
        # The method of `Mapping` would read the template, and with it the names in all stacks.
        return label in self._sources

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def review_stacks(stacks: Sequence[StackTemplate]) -> list[ReviewedStack]:
    """Return a `ReviewedStack` for each stack, with a formatter that knows the resource names of all `stacks`."""
    names = NameIndex(stacks)
    return [ReviewedStack(stack, Formatter(stack, names)) for stack in stacks]
