"""Reads a resource of any template, however odd: what is decided at deployment is passed over, nothing raises.

`Fn::If` is followed into the branches that the template's conditions allow, `AWS::NoValue` is an absent value, and a
value that another function makes is handed out as it stands, never looked into.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cfnlint.context.conditions import Unsatisfiable
from cfnlint.helpers import is_function
from cfnlint.template import Template

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
    value, path, conditions = found
    function, argument = is_function(value)
    if function == "Fn::If":
        for branch in _branches(argument, found):
            yield from values(branch, *keys)
    elif value is None or (function == "Ref" and argument == "AWS::NoValue"):
        if EACH not in keys:
            yield Found(None, path, conditions)
    elif not keys:
        yield found
    elif function is not None:
        return
    elif keys[0] == EACH:
        items = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, item in items:
            place = path if index is None else (*path, index)
            for resolved in values(Found(item, place, conditions)):
                if resolved.value is not None:
                    yield from values(resolved, *keys[1:])
    elif isinstance(value, dict):
        inner = value.get(keys[0])
        place = (*path, keys[0]) if keys[0] in value else path
        yield from values(Found(inner, place, conditions), *keys[1:])
    elif EACH not in keys:
        yield Found(None, path, conditions)


def _branches(argument: Any, found: Found) -> Iterator[Found]:
    if not (isinstance(argument, list) and len(argument) == 3 and isinstance(argument[0], str)):
        return
    for index, holds in ((1, True), (2, False)):
        try:
            conditions = found.conditions.evolve({str(argument[0]): holds})
        except Unsatisfiable:
            continue
        yield Found(argument[index], (*found.path, "Fn::If", index), conditions)


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
