"""Compares two values of a template item by item. In lists, an item is compared with the item of the same name."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from cicd_templates.template.intrinsics import is_intrinsic_function

ABSENT: Any = object()
_NAMES = ("Sid", "Key", "Id", "Name", "PolicyName", "TagKey")


class Difference(NamedTuple):
    """A difference between two values at `path`. `before` or `after` is `ABSENT` if there is no value."""

    path: tuple[str, ...]
    before: Any
    after: Any


def differences(before: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[Difference]:
    """Yield the differences between two values.

    Maps, lists and JSON texts are compared item by item, at any depth. There is one exception: if two lists have
    different lengths and their items have no names, they count as one difference.
    """
    if before == after:
        return
    if _is_map(before) and _is_map(after):
        for key in (*before, *(key for key in after if key not in before)):
            yield from differences(before.get(key, ABSENT), after.get(key, ABSENT), (*path, str(key)))
        return
    documents = _parsed_json(before), _parsed_json(after)
    if None not in documents:
        yield from differences(*documents, path)
        return
    old, new = items_by_name(before), items_by_name(after)
    if old is not None and new is not None:
        # The order of named items has no meaning, so a changed order is not a difference.
        yield from differences(old, new, path)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old_item, new_item) in enumerate(zip(before, after, strict=True)):
            yield from differences(old_item, new_item, (*path, str(index)))
    else:
        yield Difference(path, before, after)


def _is_map(value: Any) -> bool:
    return isinstance(value, dict) and not is_intrinsic_function(value)


def _parsed_json(value: Any) -> Any:
    """Return the JSON document in `value`, a string such as a dashboard's body, or None if there is none."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        with contextlib.suppress(ValueError):
            return json.loads(value)
    return None


def items_by_name(value: Any) -> dict[str, Any] | None:
    """Return a list of mappings as a dict whose keys are the names of the items.

    Returns None if an item has no name, or if two items have the same name.
    """
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return None
    for name in _NAMES:
        keys = [item.get(name) for item in value]
        if all(isinstance(key, str) for key in keys) and len(set(keys)) == len(keys):
            return dict(zip(keys, value, strict=True))
    return None
