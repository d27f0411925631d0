"""Reads a template's YAML text into dicts, and writes dicts as YAML with CloudFormation's short tags.

This module knows only the notation, not the layers or the order of keys.
`load(dump(value))` is `value` for everything that JSON can hold.
Built on PyYAML's C classes: troposphere's `to_yaml` sorts keys, quotes multi-line strings and is ten times slower.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import yaml

from cicd_templates.template import yaml_events

# Outside literal blocks no line is longer than this. A string that could exceed it, with its key and indent, becomes a
# literal block, because folding would hide from a reader where its spaces are.
YAML_WIDTH = 110
LONGEST_IN_LINE = 76
INDENT = 2

# Every intrinsic function has a short form except `Fn::Transform` and `Fn::ForEach::...`, which keep their long one:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
SHORT_TAGS = (
    "And", "Base64", "Cidr", "Equals", "FindInMap", "GetAtt", "GetAZs", "If", "ImportValue", "Join", "Length", "Not",
    "Or", "Select", "Split", "Sub", "ToJsonString",
)  # fmt: skip
_TAG_OF = {f"Fn::{name}": f"!{name}" for name in SHORT_TAGS} | {"Ref": "!Ref"}
_KEY_OF = {tag: key for key, tag in _TAG_OF.items()} | {"!Condition": "Condition"}


_STR, _MAP, _SEQ = (f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))
_RESOLVER: Any = yaml.resolver.Resolver()
_OTHERS = yaml.representer.SafeRepresenter()


class _Dumper(yaml.CSafeDumper):
    """Writes nodes, and caches the tag that PyYAML resolves for each text."""

    @staticmethod
    @cache
    def _unquoted(value: str) -> Any:
        return _RESOLVER.resolve(yaml.ScalarNode, value, (True, False))

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode:
            return self._unquoted(value) if implicit[0] else _STR
        return _SEQ if kind is yaml.SequenceNode else _MAP


# YAML 1.2 numbers that PyYAML, which implements 1.1, would not quote: an account id may begin with a zero.
_NUMBER = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)


@cache
def _style(text: str) -> str | None:
    # A literal block keeps every character, but the emitter falls back to quotes where a line ends in a space.
    if _NUMBER.fullmatch(text):
        return "'"
    return "|" if "\n" in text or len(text) > LONGEST_IN_LINE else None


def _node(value: Any, column: int) -> yaml.Node:
    """Return the YAML nodes of `value`, none of them shared: a shared one would become an anchor.

    `column` is the rightmost column at which the keys, or the dashes of the items, can stand.
    """
    if isinstance(value, str):
        return yaml.ScalarNode(_STR, value, style=_style(value))
    if isinstance(value, dict):
        return _mapping(value, column)
    if isinstance(value, list):
        return _sequence(_SEQ, value, column)
    return _OTHERS.represent_data(value)


def _mapping(mapping: dict[str, Any], column: int) -> yaml.Node:
    if len(mapping) == 1:
        ((key, value),) = mapping.items()
        tag = _TAG_OF.get(key)
        if tag is not None and (node := _short(key, tag, value, column)) is not None:
            return node
    # The dashes of a list stand below its key, the keys of a mapping further in.
    pairs = [
        (_node(key, column), _node(value, column if isinstance(value, list) else column + INDENT))
        for key, value in mapping.items()
    ]
    return yaml.MappingNode(_MAP, pairs, flow_style=False)


def _sequence(tag: str, items: list[Any], column: int) -> yaml.Node:
    return yaml.SequenceNode(tag, [_item(item, column + len("- ")) for item in items], flow_style=False)


def _item(item: Any, column: int) -> yaml.Node:
    """Return the node of a list's item: on one line where it is a mapping of plain values that fits, such as a tag."""
    node = _node(item, column)
    if isinstance(node, yaml.MappingNode) and len(node.value) > 1:
        scalars = [part for pair in node.value for part in pair]
        if all(isinstance(part, yaml.ScalarNode) and part.style != "|" for part in scalars):
            width = _width_in_one_line(tuple((part.tag, part.value, part.style) for part in scalars))
            node.flow_style = column + width <= YAML_WIDTH
    return node


@cache
def _width_in_one_line(scalars: tuple[tuple[str, str, str | None], ...]) -> int:
    """Return the length of `{key: value, ...}`, which only the emitter knows, because it chooses the quotes."""
    nodes = [yaml.ScalarNode(tag, value, style=style) for tag, value, style in scalars]
    return len(_text(yaml.MappingNode(_MAP, list(zip(nodes[::2], nodes[1::2], strict=True)), flow_style=True)).strip())


def _short(key: str, tag: str, value: Any, column: int) -> yaml.Node | None:
    if key == "Fn::GetAtt" and isinstance(value, list) and all(isinstance(part, str) for part in value):
        if len(value) == 2 and "." not in value[0]:
            return yaml.ScalarNode(tag, ".".join(value))
        return None
    # An attribute in one string would be read back as a list of two.
    if isinstance(value, str) and key != "Fn::GetAtt":
        return yaml.ScalarNode(tag, value, style=_style(value))
    if isinstance(value, list):
        return _sequence(tag, value, column)
    # A mapping that is itself a short form would need two tags on one node, which YAML does not allow.
    return None


def _text(node: yaml.Node) -> str:
    text: str = yaml.serialize(
        node,
        Dumper=_Dumper,
        allow_unicode=True,
        width=-1,  # never fold: libyaml takes a negative width for none
        indent=INDENT,
    )
    return text


class _Loader(yaml.CSafeLoader):
    """Reads short tags as the long names of their functions, and dates as strings."""


def _long_form(tag: str, value: Any) -> dict[str, Any]:
    """Return the function with its long name that `tag` with `value` is short for."""
    key = _KEY_OF.get(tag) or f"Fn::{tag[1:]}"
    return {key: value.split(".", 1) if key == "Fn::GetAtt" and isinstance(value, str) else value}


def _construct_short(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return _long_form(f"!{tag}", value)


def _construct_text(loader: _Loader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("!", _construct_short)
# CloudFormation has no dates: `2012-10-17` is a policy's version, a string.
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _construct_text)


def dump(value: Any, *, column: int = 0) -> str:
    """Return `value` as block YAML that ends in a newline, keys in the order of the dicts.

    A mapping of plain values in a list, such as a tag, is written on one line if it fits into `YAML_WIDTH`. The caller
    will indent the text by `column`.
    """
    return _text(_node(value, column))


# CloudFormation takes a megabyte. What the renderer writes is less than 30 levels deep.
LARGEST_BYTES = 2_000_000
DEEPEST = 100


def refuse_hostile(text: str) -> None:
    """Raise `ValueError` for a text that could keep `load` busy: anchors and aliases, excessive size or depth.

    An alias counts as often as it is used, so a few nested ones stand for billions of values. The renderer writes none.
    """
    if len(text.encode()) > LARGEST_BYTES:
        raise ValueError(f"larger than {LARGEST_BYTES} bytes")
    depth = 0
    event: Any
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if getattr(event, "anchor", None) is not None:
            line = event.start_mark.line + 1
            raise ValueError(f"line {line}: YAML anchors and aliases are refused; write the value out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"nested deeper than {DEEPEST} levels")


def load(text: str) -> Any:
    """Return the value of a template's text, YAML or JSON. Raises `yaml.YAMLError` on anything else."""
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            pass  # YAML's flow style begins like JSON
    try:
        return yaml_events.read(text, _long_form)
    except (yaml_events.UnusualYAMLError, yaml.YAMLError, RecursionError):
        # PyYAML reads what this program does not write, or says what is wrong with it.
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
