"""Reads the YAML that this program writes, from the parser's events.

This is five times as fast as reading PyYAML's nodes. It raises `UnusualYAMLError` for YAML that this program never
writes, such as anchors, merge keys and YAML's own tags (`!!str`). The caller then reads the text with PyYAML, which
also reports invalid YAML.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import yaml

# The same words occur in many templates. The cache has room for the words of some hundred templates.
CACHED_SCALARS = 1 << 16
_RESOLVER: Any = yaml.resolver.Resolver()
_CONSTRUCTOR: Any = yaml.constructor.SafeConstructor()
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_STR = "tag:yaml.org,2002:str"


class UnusualYAMLError(Exception):
    """The text contains YAML that this program never writes."""


def read_yaml(text: str, short: Callable[[str, Any], Any]) -> Any:
    """Return the value of `text`. `short` converts a short tag, such as `!Ref`, and its operand to one value.

    Raises `UnusualYAMLError` for YAML that this program never writes, or `yaml.YAMLError` if PyYAML cannot parse the
    text.
    """
    parser: Any = yaml.CSafeLoader(text)
    try:
        _expect(parser, yaml.StreamStartEvent)
        _expect(parser, yaml.DocumentStartEvent)
        value = _Reader(parser.get_event, short).value(parser.get_event())
        _expect(parser, yaml.DocumentEndEvent)
        _expect(parser, yaml.StreamEndEvent)
    finally:
        parser.dispose()
    return value


def _expect(parser: Any, kind: type[yaml.Event]) -> None:
    if type(parser.get_event()) is not kind:
        raise UnusualYAMLError


@lru_cache(CACHED_SCALARS)
def _plain(text: str) -> Any:
    """Return the value of an unquoted YAML scalar: text, a number, true, false or null. A date remains text."""
    tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))
    if tag in (_STR, _TIMESTAMP):
        return text
    if tag not in _CONSTRUCTOR.yaml_constructors:
        raise UnusualYAMLError
    return _CONSTRUCTOR.construct_object(yaml.ScalarNode(tag, text))


class _Reader:
    """Turns the events of PyYAML's parser into values. The function `following` returns the next event."""

    def __init__(self, following: Callable[[], Any], short: Callable[[str, Any], Any]) -> None:
        self._following = following
        self._short = short

    def value(self, event: Any) -> Any:
        """Return the value that begins with the event `event`. Read the further events of the value from the parser."""
        kind = type(event)
        if kind is yaml.AliasEvent or event.anchor is not None:
            raise UnusualYAMLError
        tag = event.tag
        value: Any
        if kind is yaml.ScalarEvent:
            if tag is None:
                return _plain(event.value) if event.implicit[0] else event.value
            value = event.value
        elif kind is yaml.MappingStartEvent:
            value = self._pairs()
        else:
            value = self._items()
        if tag is None:
            return value
        if tag[0] != "!" or tag == "!":
            raise UnusualYAMLError
        return self._short(tag, value)

    def _pairs(self) -> dict[str, Any]:
        pairs = {}
        following = self._following
        while type(event := following()) is not yaml.MappingEndEvent:
            key = self.value(event)
            if type(key) is not str:
                raise UnusualYAMLError
            pairs[key] = self.value(following())
        return pairs

    def _items(self) -> list[Any]:
        items = []
        following = self._following
        while type(event := following()) is not yaml.SequenceEndEvent:
            items.append(self.value(event))
        return items
