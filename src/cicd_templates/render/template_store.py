"""Stores the texts and contents of rendered templates until they are written and reviewed.

The first templates stay in memory. All other templates are in a temporary file, so that rendering a project of any size
needs little memory. The file has no name and disappears with the process. Forked processes append to the same file.
Templates are not compressed, because that would take a fifth of all rendering time.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import tempfile
import weakref
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

from cicd_templates.errors import CicdError

# The number of templates that stay in memory. Most projects have fewer.
IN_MEMORY = 100


class Unpacked(NamedTuple):
    """The text and the content of a template."""

    text: str
    content: Mapping[str, Any]


class Place(NamedTuple):
    """The place of a template in the file: its text from `start` to `middle`, its content from `middle` to `end`."""

    start: int
    middle: int
    end: int


class TemplateStore:
    """Texts and contents of templates, each with a number. Raises `CicdError` if the temporary file cannot be used."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._in_memory = in_memory
        self._templates: list[Unpacked | Place] = []
        self._file: IO[bytes] | None = None

    def add(self, template: Unpacked | Place) -> int:
        """Add a template, which may already be in the file, and return its number."""
        self._templates.append(template if len(self._templates) < self._in_memory else self.write(template))
        return len(self._templates) - 1

    def open(self) -> IO[bytes]:
        """Return the file. It must be open before a process is forked, so that both use the same file."""
        if self._file is None:
            try:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with the store
            except OSError as error:
                raise _unusable(error) from None
            weakref.finalize(self, self._file.close)
        return self._file

    def write(self, template: Unpacked | Place) -> Place:
        """Write a template to the end of the file, unless it is already there, and return its place.

        Several processes may call this function at the same time.
        """
        if isinstance(template, Place):
            return template
        text = template.text.encode()
        content = pickle.dumps(template.content, protocol=5)
        file = self.open()
        try:
            # Forked processes share what `flock` locks, but not what `lockf` locks.
            fcntl.lockf(file, fcntl.LOCK_EX)
            try:
                start = file.seek(0, os.SEEK_END)
                file.writelines((text, content))
                file.flush()
            finally:
                fcntl.lockf(file, fcntl.LOCK_UN)
        except OSError as error:
            raise _unusable(error) from None
        return Place(start, start + len(text), start + len(text) + len(content))

    def text(self, number: int) -> str:
        """Return the text of a template."""
        kept = self._templates[number]
        return self._read(kept.start, kept.middle).decode() if isinstance(kept, Place) else kept.text

    def content(self, number: int) -> Mapping[str, Any]:
        """Return the content of a template."""
        kept = self._templates[number]
        if isinstance(kept, Place):
            # Only this process and its forked processes can open the file.
            content: Mapping[str, Any] = pickle.loads(self._read(kept.middle, kept.end))  # noqa: S301
            return content
        return kept.content

    def _read(self, start: int, end: int) -> bytes:
        try:
            # Forked processes share the position in the file, so this does not depend on it.
            return os.pread(self.open().fileno(), end - start, start)
        except OSError as error:
            raise _unusable(error) from None


def _unusable(error: OSError) -> CicdError:
    return CicdError(
        f"{tempfile.gettempdir()}: a temporary file with rendered templates cannot be used: {error.strerror};"
        " free some space, or set TMPDIR to another folder"
    )
