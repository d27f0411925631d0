"""Writes values as block YAML, with the same bytes as `yaml_nodes` but in a fifth of the time.

This module writes the usual values of templates itself. PyYAML writes everything else: texts that need double quotes,
unusual keys, and numbers with a fraction.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import yaml

from cicd_templates.template.yaml_nodes import (
    CACHED_TEXTS,
    GET_ATT,
    INDENT,
    LONGEST_IN_LINE,
    YAML_WIDTH,
    node_of,
    reads_as_text,
    short_form,
    style_of,
    text_of,
)

# Many services have the same inline function, which can have 100,000 characters. So long texts have their own cache,
# which is small.
LONG_TEXT, CACHED_LONG_TEXTS = 4_000, 32
CACHED_TAG_LISTS, CACHED_CONSTANTS = 512, 512
# Matches only texts that libyaml writes without quotes in a block. libyaml also writes some other texts without quotes;
# this module passes those to libyaml.
_PLAIN = re.compile(r"[A-Za-z0-9_/$(+=~](?:[!-\"$-9;-~]|:(?=[!-~])| (?=[!-\"$-~]))*", re.ASCII)
# If a text within braces contains one of these characters, libyaml writes it in quotes.
_FLOW_INDICATOR = re.compile(r"[,?\[\]{}:]")
_CONSTANTS = frozenset({bool, int, float, type(None)})
# Two things that cannot be indented after libyaml has written the text. One is an unusual line break, because libyaml
# has already written an indent after it. The other is the mark `...`, with which libyaml ends a document after a text
# with empty lines at its end.
_UNMOVABLE = re.compile("[\u0085\u2028\u2029]|^[.]{3}$", re.MULTILINE)
_MAP, _SEQ = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"
# The characters of a literal block that this module writes itself.
_USUAL = b"\n" + bytes(range(ord(" "), ord("~") + 1))
_TAG_KEYS = ("Key", "Value")


class _UnmovableError(Exception):
    """Raised for a value that PyYAML must write as a whole.

    PyYAML would write the parts of this value differently if it wrote them one by one.
    """


def write_yaml(value: Any, column: int) -> str:
    """Return `value` as block YAML that ends in a newline. All lines that are not empty begin at `column`."""
    indent = " " * column
    if not isinstance(value, dict) or not value or short_form(value):
        return _indented(text_of(node_of(value, column)), indent)
    lines: list[str] = []
    try:
        _write_mapping(lines, value, indent, column, continued=False)
    except _UnmovableError:
        return _indented(text_of(node_of(value, column)), indent)
    return "".join(lines)


def _indented(text: str, indent: str) -> str:
    """Return `text` with `indent` before each line that is not empty."""
    # This takes a third of the time of a regular expression.
    return "\n".join([line and indent + line for line in text.split("\n")])


# Below, `indent` is the column at which the keys or dashes of a collection are. `column` is the rightmost column at
# which they can be; `yaml_nodes` uses it to decide what fits on a line. If a collection is `continued`, its first line
# follows a dash.


def _write_mapping(lines: list[str], mapping: dict[Any, Any], indent: str, column: int, *, continued: bool) -> None:
    start = "" if continued else indent
    for key, value in mapping.items():
        if _is_plain_key(key):
            # Most values are short texts. Two further calls for each of them would take longer.
            if type(value) is str and len(value) <= LONGEST_IN_LINE and (text := _in_block(value)):
                lines.append(f"{start}{key}: {text}\n")
            else:
                lines.append(f"{start}{key}:")
                _write_value(lines, value, indent, column)
        else:
            lines.append(start + _moved(node_of({key: value}, column), 0, indent))
        start = indent


def _write_value(lines: list[str], value: Any, indent: str, column: int) -> None:
    """Append `value` to `lines`, as the YAML text that follows a key and its colon."""
    if type(value) is str and (text := _in_line(value, indent)):
        lines.append(text)
    elif type(value) is list and value:
        lines.append("\n")
        if text := _tags_in_lines(value, indent, column + INDENT):
            lines.append(text)
        else:
            _write_items(lines, value, indent, column, continued=False)
    elif type(value) is dict and value:
        short = short_form(value)
        if short is None:
            lines.append("\n")
            _write_mapping(lines, value, indent + " " * INDENT, column + INDENT, continued=False)
        elif not _write_short(lines, *short, indent, indent, column + INDENT):
            lines.append(_after_key(value, indent, column))
    else:
        lines.append(_constant(value) if type(value) in _CONSTANTS else _after_key(value, indent, column))


def _write_items(lines: list[str], items: list[Any], indent: str, column: int, *, continued: bool) -> None:
    start = "-" if continued else f"{indent}-"
    for item in items:
        lines.append(start)
        _write_item(lines, item, indent, column)
        start = f"{indent}-"


def _write_item(lines: list[str], item: Any, indent: str, column: int) -> None:
    """Append the text that follows the dash of a list item. The dash is indented by `indent`."""
    inner, inner_column = indent + " " * INDENT, column + INDENT
    if type(item) is str and (text := _in_line(item, indent)):
        lines.append(text)
    elif type(item) is list and item:
        lines.append(" ")
        _write_items(lines, item, inner, inner_column, continued=True)
    elif type(item) is dict and item and all(map(_is_plain_key, item)):
        short = short_form(item)
        if short is not None:
            if not _write_short(lines, *short, indent, inner, inner_column):
                lines.append(_after_dash(item, indent, column))
            return
        braces = _in_braces(item)
        if braces is None or len(braces) > YAML_WIDTH - inner_column:
            lines.append(" ")
            _write_mapping(lines, item, inner, inner_column, continued=True)
        else:
            lines.append(f" {braces}\n" if braces else _after_dash(item, indent, column))
    else:
        lines.append(_constant(item) if type(item) in _CONSTANTS else _after_dash(item, indent, column))


def _write_short(lines: list[str], tag: str, operand: str | list[Any], indent: str, inner: str, column: int) -> bool:
    """Append an intrinsic function, with a short tag such as `!Ref`, and return whether this was possible.

    If only PyYAML can write the function, append nothing. `inner` is the indentation for the items of an operand that
    is a list.
    """
    if isinstance(operand, list):
        if operand:
            lines.append(f" {tag}\n")
            _write_items(lines, operand, inner, column, continued=False)
        return bool(operand)
    text = _tagged(tag, operand) if len(operand) <= LONGEST_IN_LINE or tag == GET_ATT else ""
    if text:
        lines.append(f" {text}\n")
    elif tag != GET_ATT and (block := _literal(operand, indent)):
        lines.append(f" {tag}{block}")
        return True
    return bool(text)


def _in_line(text: str, indent: str) -> str:
    """Return `text` as the YAML after `key:` or `-`, either on the same line or as a literal block.

    Return an empty string if only PyYAML can write the text.
    """
    plain = _in_block(text) if len(text) <= LONGEST_IN_LINE else ""
    return f" {plain}\n" if plain else _literal(text, indent)


@lru_cache(CACHED_TEXTS)
def _in_block(text: str) -> str:
    """Return `text` as a YAML value for the same line, after `key:` or `-`.

    Return an empty string if the value needs several lines.
    """
    style = style_of(text)
    if style == "|":
        return ""
    if _PLAIN.fullmatch(text):
        return text if style is None and reads_as_text(text) else _quoted(text)
    return _one_line(_after_key(text, "", 0))


@lru_cache(CACHED_TEXTS)
def _tagged(tag: str, text: str) -> str:
    """Return the YAML of a function with a text operand, such as `!Ref Name`.

    The result is empty if the function needs several lines.
    """
    style = None if tag == GET_ATT else style_of(text)
    if style == "|":
        return ""
    if _PLAIN.fullmatch(text):
        return f"{tag} {text if style is None else _quoted(text)}"
    return _one_line(_moved(yaml.SequenceNode(_SEQ, [yaml.ScalarNode(tag, text, style=style)]), len("-"), ""))


@lru_cache(CACHED_TEXTS)
def _in_flow(text: str) -> str | None:
    """Return `text` as YAML within the braces of a flow mapping, such as `{Key: text}`.

    Return None if the text needs a literal block, which YAML forbids within braces. Return an empty string if only
    PyYAML can write the text. Then PyYAML must write the whole mapping.
    """
    style = style_of(text)
    if style == "|":
        return None
    if _PLAIN.fullmatch(text):
        return text if style is None and reads_as_text(text) and not _FLOW_INDICATOR.search(text) else _quoted(text)
    mapping = yaml.MappingNode(_MAP, [(node_of("k", 0), node_of(text, 0))], flow_style=True)
    return _one_line(f" {text_of(mapping)}").removeprefix("{k: ").removesuffix("}")


@lru_cache(CACHED_TEXTS)
def _tagged_in_flow(tag: str, text: str) -> str | None:
    """Return an intrinsic function as YAML within the braces of a flow mapping, such as `{Key: !Ref Name}`.

    `tag` is the short name of the function, such as `!Ref`, and `text` is its operand. Return None if the operand needs
    a literal block, which YAML forbids within braces. Return an empty string if only PyYAML can write the operand. Then
    PyYAML must write the whole mapping.
    """
    style = None if tag == GET_ATT else style_of(text)
    if style == "|":
        return None
    if not _PLAIN.fullmatch(text):
        return ""
    return f"{tag} {text if style is None and not _FLOW_INDICATOR.search(text) else _quoted(text)}"


def _constant(value: Any) -> str:
    """Return a number, true, false or null as the YAML after a key: a space, the value, and a line break."""
    return f" {value}\n" if type(value) is int else _other_constant(value, repr(value))


# The numbers 0.0 and -0.0 are equal, so only their representations tell them apart.
@lru_cache(CACHED_CONSTANTS)
def _other_constant(value: Any, representation: str) -> str:
    return _after_key(value, "", 0)


def _in_braces(item: dict[str, Any]) -> str | None:
    """Return a mapping as one line of YAML, within braces.

    Return None if the mapping needs one line per key. Return an empty string if only PyYAML can write the mapping.
    """
    if len(item) == 1:
        return None
    pairs, odd = [], False
    for key, value in item.items():
        if type(value) is str:
            text = _in_flow(value) if len(value) <= LONGEST_IN_LINE else None
        elif type(value) is dict and (short := short_form(value)) and isinstance(short[1], str):
            text = _tagged_in_flow(short[0], short[1])
        else:
            text = (
                None if isinstance(value, dict | list) else _constant(value)[1:-1] if type(value) in _CONSTANTS else ""
            )
        if text is None:
            return None
        odd = odd or not text or bool(_FLOW_INDICATOR.search(key))
        pairs.append(f"{key}: {text}")
    return "" if odd else f"{{{', '.join(pairs)}}}"


def _tags_in_lines(items: list[Any], indent: str, column: int) -> str:
    """Return the YAML of a list of tags, with one line per tag. Each line begins with `indent` and a dash.

    Return an empty string if this is not possible, for example because an item is not a tag or is too long.
    """
    return _tag_lines(tuple([tuple(tag.values()) for tag in items]), indent, column) if all(map(_is_tag, items)) else ""


def _is_tag(item: Any) -> bool:
    return type(item) is dict and tuple(item) == _TAG_KEYS and type(item["Key"]) is str and type(item["Value"]) is str


# The resources of a stack have the same tags, and these are more than half of all list items.
@lru_cache(CACHED_TAG_LISTS)
def _tag_lines(tags: tuple[tuple[str, str], ...], indent: str, column: int) -> str:
    texts = [_in_braces(dict(zip(_TAG_KEYS, tag, strict=True))) for tag in tags]
    fit = all(text and len(text) <= YAML_WIDTH - column for text in texts)
    return "".join(f"{indent}- {text}\n" for text in texts) if fit else ""


@lru_cache(CACHED_TEXTS)
def _is_plain_key(key: Any) -> bool:
    return type(key) is str and style_of(key) is None and bool(_PLAIN.fullmatch(key)) and reads_as_text(key)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _literal(text: str, indent: str) -> str:
    """Return a text as a literal block that begins with ` |`, or an empty string if only PyYAML can write the text."""
    return _long_literal(text, indent) if len(text) > LONG_TEXT else _new_literal(text, indent)


def _new_literal(text: str, indent: str) -> str:
    # One expression for all of this would take ten times as long.
    odd_ends = text.startswith((" ", "\n")) or text.endswith((" ", "\n\n"))
    if not text or odd_ends or " \n" in text or not text.isascii() or text.encode("ascii").translate(None, _USUAL):
        return ""
    # No line ends in a space, so each indent before a line break is that of an empty line.
    indent += "  "
    lines = f"{indent}{text}".replace("\n", f"\n{indent}").replace(f"{indent}\n", "\n")
    return f" |\n{lines.removesuffix(indent)}" if text.endswith("\n") else f" |-\n{lines}\n"


_long_literal = lru_cache(CACHED_LONG_TEXTS)(_new_literal)


def _one_line(text: str) -> str:
    """Return `text` without its first space and its final line break.

    Return an empty string if `text` has several lines.
    """
    return text[1:-1] if text.find("\n") == len(text) - 1 else ""


def _after_key(value: Any, indent: str, column: int) -> str:
    """Return what PyYAML writes for `value` after the colon of a key. The key is indented by `indent`."""
    # Many templates have empty lists.
    return " []\n" if value == [] else _moved(node_of({"k": value}, column), len("k:"), indent)


def _after_dash(item: Any, indent: str, column: int) -> str:
    """Return a list item as PyYAML writes it after a dash. `indent` is the white space before the dash."""
    return _moved(node_of([item], column), len("-"), indent)


def _moved(node: yaml.Node, start: int, indent: str) -> str:
    """Return the text that PyYAML writes for `node`, without the first `start` characters.

    All lines of the text except the first are indented by `indent`.
    """
    text = text_of(node)
    if _UNMOVABLE.search(text):
        raise _UnmovableError
    first, end, others = text[start:].partition("\n")
    return first + end + _indented(others, indent)
