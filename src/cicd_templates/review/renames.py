"""Recognizes renamed services, so that a review does not list all their access as new.

A service counts as renamed if it has disappeared and a new service has stacks of the same layers in the same
environments. An IAM statement counts as renamed if it differs only in the service's name. A review lists such
statements as renamed, and compares only the other statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cicd_templates.config.naming import file_stem
from cicd_templates.review.access_changes import sentence
from cicd_templates.review.reviewed_stacks import ReviewedStack
from cicd_templates.review.service_names import PIPELINE, SERVICE, with_placeholders
from cicd_templates.review.statements import Statement

# Stacks by environment and label.
Stacks = Mapping[tuple[str, str], ReviewedStack]


@dataclass(frozen=True)
class Renames:
    """The renamed services of one comparison, as a map from each new name to the old name."""

    old_names: Mapping[str, str] = field(default_factory=dict)

    def former(self, stack: ReviewedStack, old: Stacks) -> ReviewedStack | None:
        """Return the predecessor of `stack` in `old`: the same stack under the old name of its service.

        Return None if the service was not renamed, or if `old` has no such stack.
        """
        was = self.old_names.get(str(stack.template.service))
        return old.get((stack.template.environment, file_stem(stack.template.layer, was))) if was else None

    def has_moved(self, stack: ReviewedStack) -> bool:
        """Return whether `stack`, from the old templates, belongs to a service that was renamed."""
        return stack.template.service in self.old_names.values()

    def renamed_statements(self, before: Sequence[Statement], after: Sequence[Statement]) -> dict[int, int]:
        """Return the statements that changed only because a service was renamed. Leave out statements without a Sid.

        The result maps the position of a statement in `after` to the position of the same statement in `before`.
        """
        if not self.old_names:
            return {}
        old = {
            (statement.holder, self._in_general(sentence(statement), self.old_names.values())): position
            for position, statement in enumerate(before)
            if statement.sid
        }
        pairs = {}
        for position, statement in enumerate(after):
            found = old.get((statement.holder, self._in_general(sentence(statement), self.old_names.keys())))
            if statement.sid and found is not None and sentence(before[found]) != sentence(statement):
                pairs[position] = found
        return pairs

    def words(self, statement: Statement) -> str:
        """Return a text that says which services in an IAM statement were renamed.

        In the text `ReadKey: till instead of shop`, `ReadKey` is the statement's Sid, `till` is the new name of a
        service, and `shop` is its old name.
        """
        text = sentence(statement)
        named = [
            f"{new} instead of {old}" for new, old in self.old_names.items() if with_placeholders(text, new) != text
        ]
        return f"{statement.sid}: {', '.join(named)}"

    @staticmethod
    def _in_general(text: str, names: Iterable[str]) -> str:
        for number, name in enumerate(names):
            text = with_placeholders(text, name)
            text = text.replace(SERVICE, f"{{service {number}}}").replace(PIPELINE, f"{{pipeline {number}}}")
        return text


def general_sentences(stack: ReviewedStack) -> dict[tuple[str, str], Statement]:
    """Return the IAM statements of a stack, each with a key that does not contain the name of the stack's service.

    The key is a pair: the logical id of the resource that has the statement, and a sentence that describes the
    statement. In this sentence, a placeholder replaces the service's name. So the keys of two services can be compared.
    """
    service = str(stack.template.service)
    return {
        (statement.holder, with_placeholders(sentence(statement), service)): statement for statement in stack.statements
    }


def find_renames(old: Stacks, new: Stacks) -> Renames:
    """Return the services that were renamed between `old` and `new`.

    If several old services could have become the same new service, choose the old service that shares the most IAM
    statements with the new service.
    """
    before, after = _places(old), _places(new)
    gone = {service: places for service, places in before.items() if service not in after}
    names: dict[str, str] = {}
    for service, places in after.items():
        fitting = [] if service in before else [name for name, where in gone.items() if set(where) == set(places)]
        shared = {name: _shared(gone[name], places) for name in fitting if name not in names.values()}
        best = max(shared, key=lambda name: shared[name], default=None)
        if best is not None and shared[best]:
            names[service] = best
    return Renames(names)


def _places(stacks: Stacks) -> dict[str, dict[tuple[str, str], ReviewedStack]]:
    """Return the stacks of each service, keyed by environment and layer."""
    places: dict[str, dict[tuple[str, str], ReviewedStack]] = {}
    for stack in stacks.values():
        template = stack.template
        if template.service:
            places.setdefault(template.service, {})[template.environment, template.layer] = stack
    return places


def _shared(old: Mapping[tuple[str, str], ReviewedStack], new: Mapping[tuple[str, str], ReviewedStack]) -> int:
    return sum(len(general_sentences(old[place]).keys() & general_sentences(new[place]).keys()) for place in new)
