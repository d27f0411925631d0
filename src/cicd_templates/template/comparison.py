"""Compares two values of a template part by part; lists whose items have names are compared by these."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cicd_templates.template.intrinsics import is_intrinsic_function

ABSENT: Any = object()
_NAMES = ("Sid", "Key", "Id", "Name", "PolicyName", "TagKey")


@dataclass(frozen=True)
class Difference:
    """What stood at `path` and what does; `ABSENT` where nothing did or does."""

    path: tuple[str, ...]
    before: Any
    after: Any


def differences(before: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[Difference]:
    """The differences, as deep down as they can be named."""
    if before == after:
        return
    if _is_map(before) and _is_map(after):
        for key in (*before, *(key for key in after if key not in before)):
            yield from differences(before.get(key, ABSENT), after.get(key, ABSENT), (*path, str(key)))
        return
    inside = _parsed(before), _parsed(after)
    if None not in inside:
        yield from differences(*inside, path)
        return
    one, other = named(before), named(after)
    if one is not None and other is not None:
        # The order of named items means nothing; where it alone moved there is nothing to tell.
        yield from differences(one, other, path)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (here, there) in enumerate(zip(before, after, strict=True)):
            yield from differences(here, there, (*path, str(index)))
    else:
        yield Difference(path, before, after)


def _is_map(value: Any) -> bool:
    return isinstance(value, dict) and not is_intrinsic_function(value)


def _parsed(value: Any) -> Any:
    """The JSON in a text, such as a function's variable or a dashboard; None where it is none."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        with contextlib.suppress(ValueError):
            return json.loads(value)
    return None


def named(value: Any) -> dict[str, Any] | None:
    """A list of maps as a map by the names of its items; None where they have none, or share one."""
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return None
    for name in _NAMES:
        keys = [item.get(name) for item in value]
        if all(isinstance(key, str) for key in keys) and len(set(keys)) == len(keys):
            return dict(zip(keys, value, strict=True))
    return None
