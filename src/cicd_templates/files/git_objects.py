"""Parses git's output about the files of a commit, and checks the content of each file against its object id.

This module runs no program. The content comes from the git objects, without any change. `git archive` would apply git
attributes, which can leave out files, replace text in them and change line endings.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

LINK, SUBMODULE, EXECUTABLE = "120000", "160000", "100755"
SHA1_LENGTH = 40


@dataclass(frozen=True)
class ListedFile:
    """A file in a commit: its mode, the id of its content, and its path."""

    mode: str
    blob: str
    path: str


def listed_files(answer: bytes) -> list[ListedFile]:
    """Return the files in the output of `git ls-tree -r -z`."""
    files = []
    for entry in answer.split(b"\0"):
        if entry:
            facts, path = os.fsdecode(entry).split("\t", 1)
            mode, _, blob = facts.split()
            files.append(ListedFile(mode, blob, path))
    return files


def batch_input(files: Sequence[ListedFile]) -> bytes:
    """Return the input with which `git cat-file --batch` prints the content of each of `files`."""
    return "".join(f"{file.blob}\n" for file in files).encode()


def batch_contents(files: Sequence[ListedFile], answer: bytes) -> list[bytes | None]:
    """Return the content of each file in the output of `git cat-file --batch`.

    The content of a file is None if the git object is missing or damaged.
    """
    contents: list[bytes | None] = []
    start = 0
    for file in files:
        begin = answer.index(b"\n", start) + 1
        size = answer[start:begin].split()[-1]
        start = begin + int(size) if size.isdigit() else begin
        content = answer[begin:start]
        # git does not compare an object that it shows with the object's id.
        contents.append(content if size.isdigit() and blob_id(content, file.blob) == file.blob else None)
        start += size.isdigit()
    return contents


def blob_id(content: bytes, like: str) -> str:
    """Return the id that git gives to a file with this `content`.

    `like` is any object id of the repository. Its length shows whether the repository uses SHA-1 or SHA-256.
    """
    # How git computes the id: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    algorithm = "sha1" if len(like) == SHA1_LENGTH else "sha256"
    return hashlib.new(algorithm, b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
