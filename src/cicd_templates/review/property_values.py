"""Finds all values in the properties of a resource, at any depth."""

from __future__ import annotations

from typing import Any, NamedTuple


class PropertyValue(NamedTuple):
    """A value, its key or index, and the map or list that contains it."""

    key: str | int
    value: Any
    parent: Any


def property_values(properties: dict[str, Any] | list[Any]) -> list[PropertyValue]:
    """Return every value in the maps and lists of `properties`, at any depth, except values within tags."""
    values = []
    containers = [properties]
    for parent in containers:
        for key, item in parent.items() if isinstance(parent, dict) else enumerate(parent):
            values.append(PropertyValue(key, item, parent))
            if isinstance(item, dict | list) and key != "Tags":
                containers.append(item)
    return values
