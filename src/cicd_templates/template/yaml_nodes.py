"""Writes values as YAML with CloudFormation's short tags, through PyYAML's nodes.

This module can write every value. `yaml_writing` writes most values in a fifth of the time, with the same bytes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import yaml

# No line is longer than this, except in literal blocks. A string becomes a literal block if it would make a line too
# long, together with its key and indent. In a folded string, a reader could not see the spaces.
YAML_WIDTH = 110
LONGEST_IN_LINE = 76
INDENT = 2
# The same texts occur in many templates, and many of them occur in each. So the caches need room for the texts of some
# ten templates. Larger ones would take memory in each process and save no time. Texts that are too long for a line are
# not in them, because they would take most of this memory.
CACHED_TEXTS = 1 << 13

# Every intrinsic function has a short form except `Fn::Transform` and `Fn::ForEach::...`, which keep their long one:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
SHORT_TAGS = (
    "And", "Base64", "Cidr", "Equals", "FindInMap", "GetAtt", "GetAZs", "If", "ImportValue", "Join", "Length", "Not",
    "Or", "Select", "Split", "Sub", "ToJsonString",
)  # fmt: skip
TAG_OF = {f"Fn::{name}": f"!{name}" for name in SHORT_TAGS} | {"Ref": "!Ref"}
GET_ATT = "!GetAtt"
# A check against `str | list` would take three times as long.
_OPERANDS = (str, list)

_STR, _MAP, _SEQ = (f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))
_RESOLVER: Any = yaml.resolver.Resolver()
_OTHERS = yaml.representer.SafeRepresenter()


@lru_cache(CACHED_TEXTS)
def _tag_of_plain(text: str) -> Any:
    # Nearly all texts are strings because of their first character, and PyYAML takes longer to see that.
    if text[:1] not in _RESOLVER.yaml_implicit_resolvers:
        return _STR
    return _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))


def reads_as_text(text: str) -> bool:
    """Return whether YAML reads the unquoted `text` as a string, and not as a number, a date, true, false or null."""
    return bool(_tag_of_plain(text) == _STR)


class _Dumper(yaml.CSafeDumper):
    """Writes YAML nodes. It caches the tags of texts, so PyYAML determines the tag of each text only once."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> Any:
        """Return the tag of a node."""
        if kind is yaml.ScalarNode:
            return _tag_of_plain(value) if implicit[0] else _STR
        return _SEQ if kind is yaml.SequenceNode else _MAP


# Numbers in YAML 1.2, such as an account id that begins with a zero. PyYAML implements 1.1 and would not quote them.
_NUMBER = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)


def style_of(text: str) -> str | None:
    """Return the YAML style of a text: `'` for quotes, `|` for a literal block, or None if PyYAML may choose."""
    # A literal block keeps every character. If one of its lines ends in a space, the emitter writes quotes instead.
    if len(text) > LONGEST_IN_LINE or "\n" in text:
        return "|"
    return "'" if _NUMBER.fullmatch(text) else None


def node_of(value: Any, column: int) -> yaml.Node:
    """Return `value` as a tree of YAML nodes. Equal values get separate nodes, so that PyYAML writes no aliases.

    A mapping in a list is written on one line if the line is not too long. The length of the line is computed from
    `column`, the deepest indentation at which `value` can be in the document.
    """
    if isinstance(value, str):
        return yaml.ScalarNode(_STR, value, style=style_of(value))
    if isinstance(value, dict):
        return _mapping(value, column)
    if isinstance(value, list):
        return _sequence(_SEQ, value, column)
    return _OTHERS.represent_data(value)


def short_form(mapping: dict[str, Any]) -> tuple[str, str | list[Any]] | None:
    """Return the short tag and the operand of an intrinsic function.

    Returns None if the function has no short tag, or if `mapping` is not a function.
    """
    if len(mapping) != 1:
        return None
    ((key, value),) = mapping.items()
    tag = TAG_OF.get(key)
    if tag is None:
        return None
    if key == "Fn::GetAtt":
        # The short form of a single string would be read back as a list of two strings.
        named = isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)
        if named and "." not in value[0]:
            return tag, ".".join(value)
        return (tag, value) if isinstance(value, list) and not all(isinstance(part, str) for part in value) else None
    # If the operand is a mapping, it may itself have a short form. One node would need two tags, which YAML forbids.
    return (tag, value) if isinstance(value, _OPERANDS) else None


def _mapping(mapping: dict[str, Any], column: int) -> yaml.Node:
    if short := short_form(mapping):
        tag, operand = short
        if isinstance(operand, list):
            return _sequence(tag, operand, column)
        # The name of an attribute contains no spaces, so it does not need a literal block.
        return yaml.ScalarNode(tag, operand, style=None if tag == GET_ATT else style_of(operand))
    # The dashes of a list are in the same column as its key; the keys of a mapping are indented further.
    pairs = [
        (node_of(key, column), node_of(value, column if isinstance(value, list) else column + INDENT))
        for key, value in mapping.items()
    ]
    return yaml.MappingNode(_MAP, pairs, flow_style=False)


def _sequence(tag: str, items: list[Any], column: int) -> yaml.Node:
    return yaml.SequenceNode(tag, [_item(item, column + len("- ")) for item in items], flow_style=False)


def _item(item: Any, column: int) -> yaml.Node:
    """Return the node of a list item.

    A mapping of plain values, such as a tag, is written on one line if that fits.
    """
    node = node_of(item, column)
    if isinstance(node, yaml.MappingNode) and len(node.value) > 1:
        scalars = [part for pair in node.value for part in pair]
        if all(isinstance(part, yaml.ScalarNode) and part.style != "|" for part in scalars):
            width = _width_in_one_line(tuple((part.tag, part.value, part.style) for part in scalars))
            node.flow_style = column + width <= YAML_WIDTH
    return node


@lru_cache(CACHED_TEXTS)
def _width_in_one_line(scalars: tuple[tuple[str, str, str | None], ...]) -> int:
    """Return the length of `{key: value, ...}` on one line.

    PyYAML writes the text to find the length, because only its emitter knows which quotes are needed.
    """
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
        width=-1,  # Never fold lines: libyaml treats a negative width as no limit.
        indent=INDENT,
    )
    return text
