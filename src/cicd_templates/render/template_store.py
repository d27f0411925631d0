"""Stores the texts and contents of rendered templates until they are written and reviewed.

Some templates stay in memory. All other templates are compressed in a temporary file, so that rendering a project of
any size needs little memory. The file has no name and disappears with the process.
"""

from __future__ import annotations

import os
import pickle
import tempfile
import weakref
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

from cicd_templates.errors import CicdError

# The number of templates that stay in memory. Most projects have fewer.
IN_MEMORY = 100
# The fastest level. Higher levels take much longer and save little.
LEVEL = 1


class Unpacked(NamedTuple):
    """The text and the content of a template."""

    text: str
    content: Mapping[str, Any]


class Packed(NamedTuple):
    """The compressed text and content of a template."""

    text: bytes
    content: bytes


@dataclass(frozen=True)
class _Place:
    """The place of a template in the file: its text from `start` to `middle`, its content from `middle` to `end`."""

    start: int
    middle: int
    end: int


def pack(template: Unpacked | Packed) -> Packed:
    """Return a template compressed."""
    if isinstance(template, Packed):
        return template
    content = pickle.dumps(template.content, protocol=5)
    return Packed(zlib.compress(template.text.encode(), LEVEL), zlib.compress(content, LEVEL))


class TemplateStore:
    """Texts and contents of templates, each with a number. Raises `CicdError` if the temporary file cannot be used."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._in_memory = in_memory
        self._templates: list[Unpacked | _Place] = []
        self._file: IO[bytes] | None = None
        self._end = 0

    def add(self, template: Unpacked | Packed) -> int:
        """Add a template and return its number."""
        if isinstance(template, Unpacked) and len(self._templates) < self._in_memory:
            self._templates.append(template)
        else:
            self._templates.append(self._write(pack(template)))
        return len(self._templates) - 1

    def _write(self, packed: Packed) -> _Place:
        middle = self._end + len(packed.text)
        place = _Place(self._end, middle, middle + len(packed.content))
        try:
            file = self._opened()
            file.seek(place.start)
            file.writelines(packed)
            # Otherwise, a forked process would not find the template in the file.
            file.flush()
        except OSError as error:
            raise _unusable(error) from None
        self._end = place.end
        return place

    def text(self, number: int) -> str:
        """Return the text of a template."""
        kept = self._templates[number]
        if isinstance(kept, _Place):
            return zlib.decompress(self._read(kept.start, kept.middle)).decode()
        return kept.text

    def content(self, number: int) -> Mapping[str, Any]:
        """Return the content of a template."""
        kept = self._templates[number]
        if isinstance(kept, _Place):
            # This process has created the file, and no other process can open it.
            content: Mapping[str, Any] = pickle.loads(zlib.decompress(self._read(kept.middle, kept.end)))  # noqa: S301
            return content
        return kept.content

    def _read(self, start: int, end: int) -> bytes:
        try:
            # Forked processes share the position in the file, so this does not depend on it.
            return os.pread(self._opened().fileno(), end - start, start)
        except OSError as error:
            raise _unusable(error) from None

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with the store
            weakref.finalize(self, self._file.close)
        return self._file


def _unusable(error: OSError) -> CicdError:
    return CicdError(
        f"{tempfile.gettempdir()}: a temporary file with rendered templates cannot be used: {error.strerror};"
        " free some space, or set TMPDIR to another folder"
    )
