"""Reads values from the resources of any template. The functions never raise an exception, even for invalid values.

`Fn::If` is followed into each branch that the template's conditions allow, and `AWS::NoValue` counts as absent. Any
other intrinsic function is returned as it is written, because only CloudFormation can evaluate it, at deployment.
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


class TemplateNode(NamedTuple):
    """A value, its path from the top of the resource, and the conditions under which it applies."""

    value: Any
    path: Path
    conditions: Any


def values(node: TemplateNode, *keys: str) -> Iterator[TemplateNode]:
    """Yield the values at the path `keys` below `node`. For an `Fn::If`, yield the value of each possible branch.

    - The key `EACH` stands for every item of a list. A single value counts as a list with one item, as in
      CloudFormation and IAM.
    - If the value is absent, yield None. But if the path has the key `EACH` after the absent part, yield nothing.
    """
    for here in _branches(node):
        if not keys or here.value is None:
            if EACH not in keys:
                yield here
        elif keys[0] == EACH:
            for item in _items(here):
                yield from values(item, *keys[1:])
        elif is_function(here.value)[0] is None:
            yield from values(_member(here, keys[0]), *keys[1:])


def _branches(node: TemplateNode) -> Iterator[TemplateNode]:
    """Yield each value that `node` can have: itself or, for an `Fn::If`, the branches that the conditions allow.

    A reference to `AWS::NoValue` becomes None.
    """
    function, argument = is_function(node.value)
    if function == "Fn::If":
        if isinstance(argument, list) and len(argument) == 3 and isinstance(argument[0], str):
            for index, holds in ((1, True), (2, False)):
                with contextlib.suppress(Unsatisfiable):
                    conditions = node.conditions.evolve({str(argument[0]): holds})
                    yield from _branches(TemplateNode(argument[index], (*node.path, "Fn::If", index), conditions))
    elif function == "Ref" and argument == "AWS::NoValue":
        yield node._replace(value=None)
    else:
        yield node


def _items(node: TemplateNode) -> Iterator[TemplateNode]:
    if not isinstance(node.value, list):
        yield node
        return
    for index, item in enumerate(node.value):
        for resolved in _branches(TemplateNode(item, (*node.path, index), node.conditions)):
            if resolved.value is not None:
                yield resolved


def _member(node: TemplateNode, key: str) -> TemplateNode:
    if isinstance(node.value, dict) and key in node.value:
        return TemplateNode(node.value[key], (*node.path, key), node.conditions)
    return node._replace(value=None)


def known_text(value: Any) -> str | None:
    """Return the literal text of `value`, or None if `value` has no literal text.

    In an `Fn::Sub` or `Fn::Join`, `${...}` stands for the parts that only CloudFormation knows.
    """
    function, argument = is_function(value)
    if function == "Fn::Sub":
        argument = argument[0] if isinstance(argument, list) and argument else argument
        return str(argument) if isinstance(argument, str) else None
    if function == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:
        separator, parts = argument
        if isinstance(separator, str) and isinstance(parts, list):
            return str(separator).join(known_text(part) or "${}" for part in parts)
        return None
    return str(value) if isinstance(value, str) else None


class Resource:
    """A resource of a template, with access to the template's metadata and its other resources."""

    def __init__(self, name: str, body: Mapping[str, Any], template: Template) -> None:
        self.name = name
        self.type = str(body.get("Type"))
        self.body = body
        self.template = template
        self._top = TemplateNode(body, (), template.context.conditions)

    def others(self, *types: str) -> Iterator[Resource]:
        """Yield all resources in this template whose type is one of `types`."""
        for name, body in self.template.get_resources(list(types)).items():
            yield Resource(str(name), body, self.template)

    def values(self, *keys: str) -> Iterator[TemplateNode]:
        """Yield the values at the path `keys` below the resource. For an `Fn::If`, yield the value of each branch."""
        return values(self._top, *keys)

    def properties(self, *keys: str) -> Iterator[TemplateNode]:
        """Yield the values at the path `keys` below `Properties`. For an `Fn::If`, yield the value of each branch."""
        return values(self._top, "Properties", *keys)

    @property
    def facts(self) -> Mapping[str, Any]:
        """Return the metadata `CicdTemplates`, or an empty map if this project did not render the template."""
        metadata = self.template.template.get("Metadata")
        facts = metadata.get("CicdTemplates") if isinstance(metadata, dict) else None
        return facts if isinstance(facts, dict) else {}

    @property
    def protected(self) -> bool:
        """Return false if the template states that its environment is disposable, otherwise true."""
        return bool(self.facts.get("Protection") != "disposable")

    @property
    def reasons(self) -> list[str]:
        """Return the reasons that the resource states under `Why` in its metadata, one sentence each."""
        return [str(node.value) for node in self.values("Metadata", "Why", EACH) if isinstance(node.value, str)]
