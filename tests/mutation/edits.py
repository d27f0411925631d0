"""Edits of a rendered resource: a path in the resource, and the value that replaces it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Resource = dict[str, Any]
Change = Callable[[Resource], None]
Path = tuple[str | int, ...]


class Edit(NamedTuple):
    """A change in words, and a function that applies it to a copy of the resource; None removes the resource."""

    where: str
    change: Change | None


class Place(NamedTuple):
    """A resource in its template; `facts` are the stack facts of the template."""

    name: str
    body: Resource
    facts: dict[str, Any]

    @property
    def type(self) -> str:
        """The resource's type."""
        return str(self.body["Type"])

    def is_a(self, *types: str) -> bool:
        """Return whether the resource has one of `types`, which are written without `AWS::`."""
        return self.type.removeprefix("AWS::") in types


def spots(value: Any, keys: tuple[str, ...], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the paths that match `keys`; a `*` stands for each item of a list."""
    if not keys:
        yield path, value
    elif keys[0] == "*" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from spots(item, keys[1:], (*path, index))
    elif isinstance(value, dict) and keys[0] in value:
        yield from spots(value[keys[0]], keys[1:], (*path, keys[0]))


def at(body: Any, path: Path) -> Any:
    """Return the value at `path`."""
    for key in path:
        body = body[key]
    return body


def put(path: Path, value: Any) -> Edit:
    """Return an edit that sets the value at `path`."""

    def change(body: Resource) -> None:
        at(body, path[:-1])[path[-1]] = copy.deepcopy(value)

    return Edit(f"{'/'.join(map(str, path))} = {value!r}", change)


def drop(path: Path) -> Edit:
    """Return an edit that removes the value at `path`."""

    def change(body: Resource) -> None:
        del at(body, path[:-1])[path[-1]]

    return Edit(f"without {'/'.join(map(str, path))}", change)


def rename(path: Path, name: str) -> Edit:
    """Return an edit that moves the value at `path` to another key."""

    def change(body: Resource) -> None:
        holder = at(body, path[:-1])
        holder[name] = holder.pop(path[-1])

    return Edit(f"{'/'.join(map(str, path))} becomes {name}", change)


def properties(place: Place, *keys: str) -> Iterator[tuple[Path, Any]]:
    """Yield the paths within the properties that match `keys`."""
    return spots(place.body, ("Properties", *keys))


def allowing(place: Place, *tables: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the `Allow` statements of the policies that `tables` list."""
    for table in tables:
        if place.type in table:
            for path, statement in properties(place, *table[place.type], "Statement", "*"):
                if statement["Effect"] == "Allow":
                    yield path, statement
