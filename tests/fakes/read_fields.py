"""Answers of AWS that record which of their fields are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Note = Callable[[str], None]
# What is in these is not CloudFormation's: a template, and the answer's own pages.
WHOLE = frozenset({"TemplateBody"})


class Fields(dict[str, Any]):
    """A part of an answer. `path` is its place: `Stacks.Tags` is a tag of a stack."""

    def __init__(self, part: dict[str, Any], path: str, note: Note) -> None:
        super().__init__({key: noting(value, f"{path}.{key}" if path else key, note) for key, value in part.items()})
        self._path, self._note = path, note

    def _read(self, key: str) -> None:
        self._note(f"{self._path}.{key}" if self._path else key)

    def __getitem__(self, key: str) -> Any:
        self._read(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._read(key)
        return super().get(key, default)


def noting(value: Any, path: str, note: Note) -> Any:
    """Return a value of an answer that records each field that is read from it."""
    if isinstance(value, dict) and path.rpartition(".")[2] not in WHOLE:
        return Fields(value, path, note)
    if isinstance(value, list):
        return [noting(item, path, note) for item in value]
    return value
