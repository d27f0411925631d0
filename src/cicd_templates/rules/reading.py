"""Reads a resource of any template, however odd: what is decided at deployment is passed over, nothing raises.

`Fn::If` is followed into the branches that the template's conditions allow, `AWS::NoValue` is an absent value, and a
value that another function makes is handed out as it stands, never looked into.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cfnlint.context.conditions import Unsatisfiable
from cfnlint.helpers import is_function
from cfnlint.template.template import Template

EACH = "*"
Path = tuple[str | int, ...]


class Found(NamedTuple):
    """A value, where it stands (from the top of the resource), and under which conditions it does."""

    value: Any
    path: Path
    conditions: Any


def values(found: Found, *keys: str) -> Iterator[Found]:
    """What `keys` can lead to from `found`, once for each way that the conditions allow; None where nothing is.

    `EACH` stands for every item of a list. A list that is empty or absent has none, and what is no list is an item by
    itself, as CloudFormation and IAM take it.
    """
    for here in _resolved(found):
        if not keys or here.value is None:
            if EACH not in keys:
                yield here
        elif keys[0] == EACH:
            for item in _items(here):
                yield from values(item, *keys[1:])
        elif is_function(here.value)[0] is None:
            yield from values(_below(here, keys[0]), *keys[1:])


def _resolved(found: Found) -> Iterator[Found]:
    """`found` without the functions that choose: each branch that the conditions allow, None for no value."""
    function, argument = is_function(found.value)
    if function == "Fn::If":
        if isinstance(argument, list) and len(argument) == 3 and isinstance(argument[0], str):
            for index, holds in ((1, True), (2, False)):
                with contextlib.suppress(Unsatisfiable):
                    conditions = found.conditions.evolve({str(argument[0]): holds})
                    yield from _resolved(Found(argument[index], (*found.path, "Fn::If", index), conditions))
    elif function == "Ref" and argument == "AWS::NoValue":
        yield found._replace(value=None)
    else:
        yield found


def _items(found: Found) -> Iterator[Found]:
    if not isinstance(found.value, list):
        yield found
        return
    for index, item in enumerate(found.value):
        for resolved in _resolved(Found(item, (*found.path, index), found.conditions)):
            if resolved.value is not None:
                yield resolved


def _below(found: Found, key: str) -> Found:
    if isinstance(found.value, dict) and key in found.value:
        return Found(found.value[key], (*found.path, key), found.conditions)
    return found._replace(value=None)


def spelled(value: Any) -> str | None:
    """A text as far as the template spells it, `${...}` standing for the rest; None for what is not known at all."""
    function, argument = is_function(value)
    if function == "Fn::Sub":
        argument = argument[0] if isinstance(argument, list) and argument else argument
        return str(argument) if isinstance(argument, str) else None
    if function == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:
        separator, parts = argument
        if isinstance(separator, str) and isinstance(parts, list):
            return str(separator).join(spelled(part) or "${}" for part in parts)
        return None
    return str(value) if isinstance(value, str) else None


class Resource:
    """One resource of a template, and what the template says about itself."""

    def __init__(self, name: str, body: Mapping[str, Any], template: Template) -> None:
        self.name = name
        self.type = str(body.get("Type"))
        self.body = body
        self.template = template
        self._top = Found(body, (), template.context.conditions)

    def others(self, *types: str) -> Iterator[Resource]:
        """The resources of `types` in the same template."""
        for name, body in self.template.get_resources(list(types)).items():
            yield Resource(str(name), body, self.template)

    def values(self, *keys: str) -> Iterator[Found]:
        """What `keys` can lead to from the top of the resource; see `values`."""
        return values(self._top, *keys)

    def properties(self, *keys: str) -> Iterator[Found]:
        """What `keys` can lead to from the properties of the resource; see `values`."""
        return values(self._top, "Properties", *keys)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What a template that is rendered here says of its environment; empty for templates of others."""
        metadata = self.template.template.get("Metadata")
        facts = metadata.get("CicdTemplates") if isinstance(metadata, dict) else None
        return facts if isinstance(facts, dict) else {}

    @property
    def protected(self) -> bool:
        """Whether data outlives the stack: true too where nothing is said, since that is the safer guess."""
        return bool(self.facts.get("Protection") != "disposable")

    @property
    def reasons(self) -> list[str]:
        """The sentences under `Why` in the metadata of the resource."""
        return [str(found.value) for found in self.values("Metadata", "Why", EACH) if isinstance(found.value, str)]
