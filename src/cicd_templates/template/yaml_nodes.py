"""Writes values as YAML through PyYAML's nodes, with CloudFormation's short tags.

It defines how every value is written. `yaml_writing` writes most of them with the same bytes at a fifth of the time.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import yaml

# Outside literal blocks no line is longer than this. A string that could exceed it, with its key and indent, becomes a
# literal block, because folding would hide from a reader where its spaces are.
YAML_WIDTH = 110
LONGEST_IN_LINE = 76
INDENT = 2
# Templates repeat their texts; the caches hold those of some hundred templates.
CACHED_TEXTS = 1 << 16

# Every intrinsic function has a short form except `Fn::Transform` and `Fn::ForEach::...`, which keep their long one:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
SHORT_TAGS = (
    "And", "Base64", "Cidr", "Equals", "FindInMap", "GetAtt", "GetAZs", "If", "ImportValue", "Join", "Length", "Not",
    "Or", "Select", "Split", "Sub", "ToJsonString",
)  # fmt: skip
TAG_OF = {f"Fn::{name}": f"!{name}" for name in SHORT_TAGS} | {"Ref": "!Ref"}
GET_ATT = "!GetAtt"

_STR, _MAP, _SEQ = (f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))
_RESOLVER: Any = yaml.resolver.Resolver()
_OTHERS = yaml.representer.SafeRepresenter()


@lru_cache(CACHED_TEXTS)
def _tag_of_plain(text: str) -> Any:
    return _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))


def reads_as_text(text: str) -> bool:
    """Return whether YAML reads `text` without quotes as text, not as a number, a truth value, a date or nothing."""
    return bool(_tag_of_plain(text) == _STR)


class _Dumper(yaml.CSafeDumper):
    """Writes nodes, and caches the tag that PyYAML resolves for each text."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> Any:
        """Return the tag of a node."""
        if kind is yaml.ScalarNode:
            return _tag_of_plain(value) if implicit[0] else _STR
        return _SEQ if kind is yaml.SequenceNode else _MAP


# YAML 1.2 numbers that PyYAML, which implements 1.1, would not quote: an account id may begin with a zero.
_NUMBER = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)


@lru_cache(CACHED_TEXTS)
def style_of(text: str) -> str | None:
    """Return the style of a text: quotes, a literal block, or None to let the emitter choose."""
    # A literal block keeps every character, but the emitter falls back to quotes where a line ends in a space.
    if _NUMBER.fullmatch(text):
        return "'"
    return "|" if "\n" in text or len(text) > LONGEST_IN_LINE else None


def node_of(value: Any, column: int) -> yaml.Node:
    """Return the YAML nodes of `value`. No node is shared, because a shared node would become an anchor.

    `column` is the rightmost column at which the keys, or the dashes of the items, can be.
    """
    if isinstance(value, str):
        return yaml.ScalarNode(_STR, value, style=style_of(value))
    if isinstance(value, dict):
        return _mapping(value, column)
    if isinstance(value, list):
        return _sequence(_SEQ, value, column)
    return _OTHERS.represent_data(value)


def short_form(mapping: dict[str, Any]) -> tuple[str, str | list[Any]] | None:
    """Return the tag and the operand of a function that has a short form; None for all other mappings."""
    if len(mapping) != 1:
        return None
    ((key, value),) = mapping.items()
    tag = TAG_OF.get(key)
    if tag is None:
        return None
    if key == "Fn::GetAtt":
        # An attribute in one string would be read back as a list of two.
        named = isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)
        if named and "." not in value[0]:
            return tag, ".".join(value)
        return (tag, value) if isinstance(value, list) and not all(isinstance(part, str) for part in value) else None
    # A mapping that is itself a short form would need two tags on one node, which YAML does not allow.
    return (tag, value) if isinstance(value, str | list) else None


def _mapping(mapping: dict[str, Any], column: int) -> yaml.Node:
    if short := short_form(mapping):
        tag, operand = short
        if isinstance(operand, list):
            return _sequence(tag, operand, column)
        # The name of an attribute has no spaces, so it needs no block.
        return yaml.ScalarNode(tag, operand, style=None if tag == GET_ATT else style_of(operand))
    # The dashes of a list stand below its key, the keys of a mapping further in.
    pairs = [
        (node_of(key, column), node_of(value, column if isinstance(value, list) else column + INDENT))
        for key, value in mapping.items()
    ]
    return yaml.MappingNode(_MAP, pairs, flow_style=False)


def _sequence(tag: str, items: list[Any], column: int) -> yaml.Node:
    return yaml.SequenceNode(tag, [_item(item, column + len("- ")) for item in items], flow_style=False)


def _item(item: Any, column: int) -> yaml.Node:
    """Return the node of a list's item. A mapping of plain values, such as a tag, is put on one line if it fits."""
    node = node_of(item, column)
    if isinstance(node, yaml.MappingNode) and len(node.value) > 1:
        scalars = [part for pair in node.value for part in pair]
        if all(isinstance(part, yaml.ScalarNode) and part.style != "|" for part in scalars):
            width = _width_in_one_line(tuple((part.tag, part.value, part.style) for part in scalars))
            node.flow_style = column + width <= YAML_WIDTH
    return node


@lru_cache(CACHED_TEXTS)
def _width_in_one_line(scalars: tuple[tuple[str, str, str | None], ...]) -> int:
    """Return the length of `{key: value, ...}`, which only the emitter knows, because it chooses the quotes."""
    nodes = [yaml.ScalarNode(tag, value, style=style) for tag, value, style in scalars]
    return len(
        text_of(yaml.MappingNode(_MAP, list(zip(nodes[::2], nodes[1::2], strict=True)), flow_style=True)).strip()
    )


def text_of(node: yaml.Node) -> str:
    """Return what PyYAML's emitter writes for `node`."""
    text: str = yaml.serialize(
        node,
        Dumper=_Dumper,
        allow_unicode=True,
        width=-1,  # never fold: libyaml takes a negative width for none
        indent=INDENT,
    )
    return text
