"""Lists the files of a folder of evidence with their SHA-256 digests. Links and special files are never opened."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FolderContents:
    """The contents of the folder `path`. All names are relative to `path`.

    `digests` maps the name of each regular file to its SHA-256. `unreadable` has the names of links and special files.
    """

    path: Path
    digests: dict[str, str]
    unreadable: list[str]

    def read(self, name: str) -> bytes:
        """Return the content of the regular file with this name."""
        return (self.path / name).read_bytes()

    def read_exactly(self, name: str, sha256: str) -> bytes | None:
        """Return the content of a regular file, or None if the file is missing or its SHA-256 is not `sha256`."""
        content = self.read(name) if name in self.digests else None
        return content if content is not None and hashlib.sha256(content).hexdigest() == sha256 else None


def read_folder(path: Path) -> FolderContents:
    """Return the contents of a folder and of its subfolders."""
    digests: dict[str, str] = {}
    unreadable: list[str] = []
    for parent, folders, files in os.walk(path, onerror=_raise):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for file in (Path(parent, name) for name in [*files, *links]):
            name = file.relative_to(path).as_posix()
            if stat.S_ISREG(file.lstat().st_mode):
                with file.open("rb") as stream:
                    digests[name] = hashlib.file_digest(stream, "sha256").hexdigest()
            else:
                unreadable.append(name)
    return FolderContents(path, digests, unreadable)


def _raise(error: OSError) -> None:
    """Raise `error`. `os.walk` calls this function for a folder that it cannot list.

    Without this function, `os.walk` would skip the folder.
    """
    raise error
