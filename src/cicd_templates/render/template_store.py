"""Stores the texts, contents and names of rendered templates until they are written and reviewed.

The first templates stay in memory. All other templates are in a temporary file, so that rendering a project of any size
needs little memory. The file has no name and disappears with the process. Forked processes append to the same file.
Templates are not compressed, because that would take a fifth of all rendering time.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import weakref
from array import array
from collections.abc import Mapping
from itertools import accumulate
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from cicd_templates.errors import CicdError

if TYPE_CHECKING:
    from cicd_templates.review.name_index import NameIndex

# The number of templates that stay in memory. Most projects have fewer.
IN_MEMORY = 100


class Unpacked(NamedTuple):
    """A template as text, the same template as parsed content, and the index of its physical names."""

    text: str
    content: Mapping[str, Any]
    names: NameIndex


class Place(NamedTuple):
    """The place of a template in the store's temporary file, in bytes from the beginning of the file.

    The text of the template begins at `text`, its parsed content at `content`, and the index of its physical names at
    `names`. The index ends at `end`.
    """

    text: int
    content: int
    names: int
    end: int


class TemplateStore:
    """Gives each template a number and stores it. The first templates are in memory, the others in a temporary file.

    The methods raise `CicdError` if the temporary file cannot be created, written or read.
    """

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._in_memory = in_memory
        self._unpacked: dict[int, Unpacked] = {}
        # The four numbers of the place of each template. They take much less memory than objects would.
        self._places = array("Q")
        self._file: IO[bytes] | None = None

    def add(self, template: Unpacked | Place) -> int:
        """Store a template and return its number.

        `template` is the template itself or, if it is already in the temporary file, its place in this file.
        """
        number = len(self._places) // 4
        if isinstance(template, Unpacked) and number < self._in_memory:
            self._unpacked[number] = template
            self._places.extend((0, 0, 0, 0))
        else:
            self._places.extend(self.write(template))
        return number

    def open(self) -> IO[bytes]:
        """Return the temporary file, and create it if necessary.

        A parent must call this function before it forks a process, so that both processes use the same file.
        """
        if self._file is None:
            try:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with the store
            except OSError as error:
                raise _unusable(error) from None
            weakref.finalize(self, self._file.close)
        return self._file

    def write(self, template: Unpacked | Place) -> Place:
        """Append a template to the file, and return its place. Several processes may do this at the same time.

        If `template` is a `Place`, the template is already in the file. Return this place, and write nothing.
        """
        if isinstance(template, Place):
            return template
        import pickle

        parts = (
            template.text.encode(),
            pickle.dumps(template.content, protocol=5),
            pickle.dumps(template.names, protocol=5),
        )
        file = self.open()
        try:
            # Forked processes share what `flock` locks, but not what `lockf` locks.
            fcntl.lockf(file, fcntl.LOCK_EX)
            try:
                start = file.seek(0, os.SEEK_END)
                file.writelines(parts)
                file.flush()
            finally:
                fcntl.lockf(file, fcntl.LOCK_UN)
        except OSError as error:
            raise _unusable(error) from None
        return Place(*accumulate(map(len, parts), initial=start))

    def text(self, number: int) -> str:
        """Return the text of a template."""
        kept = self._kept(number)
        return self._read(kept.text, kept.content).decode() if isinstance(kept, Place) else kept.text

    def content(self, number: int) -> Mapping[str, Any]:
        """Return the content of a template."""
        kept = self._kept(number)
        if isinstance(kept, Place):
            content: Mapping[str, Any] = self._unpickled(kept.content, kept.names)
            return content
        return kept.content

    def names(self, number: int) -> NameIndex:
        """Return the index that finds a template's resources by their physical names."""
        kept = self._kept(number)
        if isinstance(kept, Place):
            names: NameIndex = self._unpickled(kept.names, kept.end)
            return names
        return kept.names

    def _kept(self, number: int) -> Unpacked | Place:
        return self._unpacked.get(number) or Place(*self._places[4 * number : 4 * number + 4])

    def _unpickled(self, start: int, end: int) -> Any:
        # Small projects never use the file, and importing this module is slow.
        import pickle

        # Only this process and its forked processes can open the file.
        return pickle.loads(self._read(start, end))  # noqa: S301

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
