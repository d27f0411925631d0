"""Finds all simple values in the properties of a resource, at any depth."""

from __future__ import annotations

from typing import Any

from cicd_templates.template.intrinsics import NO_VALUE, is_intrinsic_function, possible_values

# The key or index of a value, the value, and the map or list that contains it. A review has some hundred thousands of
# them, and a plain tuple is made in a fifth of the time of a named one.
PropertyValue = tuple[str | int, Any, Any]
# A check against `dict | list` would take three times as long.
_CONTAINERS = (dict, list)


def property_values(properties: dict[str, Any] | list[Any]) -> list[PropertyValue]:
    """Return the values in `properties` at any depth, except maps, lists and the contents of tags.

    - For an `Fn::If`, return the values of both branches.
    - For any other intrinsic function, return the function, and also the values in its arguments.
    """
    values: list[PropertyValue] = []
    containers = [properties]
    for parent in containers:
        for key, item in parent.items() if isinstance(parent, dict) else enumerate(parent):
            # Most values are texts, and this is their quickest check.
            if type(item) is str or not isinstance(item, _CONTAINERS):
                values.append((key, item, parent))
            elif len(item) == 1 and is_intrinsic_function(item):
                # Nearly all functions have one result, and the search for several would take twice as long.
                if "Fn::If" not in item and item != NO_VALUE:
                    values.append((key, item, parent))
                    containers.append(item)
                    continue
                for possible in possible_values(item):
                    is_container = isinstance(possible, _CONTAINERS)
                    if not is_container or is_intrinsic_function(possible):
                        values.append((key, possible, parent))
                    if is_container:
                        containers.append(possible)
            elif key != "Tags":
                containers.append(item)
    return values
