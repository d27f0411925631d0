"""Reads the YAML text of a template into dicts, and writes dicts as YAML with CloudFormation's short tags.

This module defines only the notation of values, not the order of keys. For every value that JSON can represent,
`load(dump(value))` equals `value`. PyYAML's C classes are used, because troposphere's `to_yaml` sorts keys, quotes
multi-line strings and is ten times slower.
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from cicd_templates.template import yaml_events, yaml_writing
from cicd_templates.template.yaml_nodes import TAG_OF

_KEY_OF = {tag: key for key, tag in TAG_OF.items()} | {"!Condition": "Condition"}


class _Loader(yaml.CSafeLoader):
    """Reads short tags, such as `!Ref`, as functions in their long form, and dates as strings."""


def _long_form(tag: str, value: Any) -> dict[str, Any]:
    """Return an intrinsic function in its long form, such as `{"Fn::Sub": value}` for the short tag `!Sub`."""
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
# CloudFormation has no dates. For example, `2012-10-17` is the version of a policy, which is a string.
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _construct_text)


def dump(value: Any, *, column: int = 0) -> str:
    """Return `value` as block YAML that ends in a newline. Keys keep the order of the dicts.

    A list item that is a mapping of plain values, such as a tag, is written on one line if the line fits into
    `YAML_WIDTH`. `column` is the column at which the keys of `value` begin.
    """
    return yaml_writing.write_yaml(value, column)


# CloudFormation accepts templates of up to one megabyte. Rendered templates are nested less than 30 levels deep.
LARGEST_BYTES = 2_000_000
DEEPEST = 100


def refuse_hostile(text: str) -> None:
    """Raise `ValueError` for YAML that could block `load` because of its size, its depth, or its anchors or aliases.

    Each use of an alias repeats the complete value, so a few nested aliases can mean billions of values. The renderer
    never writes an anchor or an alias.
    """
    if len(text.encode()) > LARGEST_BYTES:
        raise ValueError(f"it is larger than {LARGEST_BYTES} bytes")
    depth = 0
    event: Any
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if getattr(event, "anchor", None) is not None:
            line = event.start_mark.line + 1
            raise ValueError(f"line {line}: YAML anchors and aliases are not allowed; write the value out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"it is nested deeper than {DEEPEST} levels")


def load(text: str) -> Any:
    """Return the content of a template, whose `text` is YAML or JSON. Raises `yaml.YAMLError` if it is neither."""
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            pass  # YAML's flow style begins like JSON
    try:
        return yaml_events.read_yaml(text, _long_form)
    except (yaml_events.UnusualYAMLError, yaml.YAMLError, RecursionError):
        # If the text has YAML that this program never writes, PyYAML reads the text or reports what is wrong with it.
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
