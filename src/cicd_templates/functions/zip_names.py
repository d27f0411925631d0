"""Finds the paths to which programs unpack the entries of a zip file, and entries that they unpack in different
ways.

A name can begin with `./` or `/`, have `//` or `..` in it, have backslashes, or have a second form in an extra field.
So two entries can mean one file. Some programs then keep the first entry, and others keep the last one.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator, Sequence
from zipfile import ZipInfo

# The identifier of an extra field with a second file name, which only some programs read:
# https://libzip.org/specifications/extrafld.txt
_SECOND_NAME = 0x7075
_EXTRA_FIELD = struct.Struct("<HH")


def unpacked_name(name: str) -> str:
    """Return the path to which programs unpack an entry: without `./`, `//` and a first `/`."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def ambiguous_entry(entries: Sequence[ZipInfo]) -> str:
    """Return the name of the first entry that programs can unpack in different ways, or an empty string."""
    files: dict[str, bool] = {}
    for entry in entries:
        # zipfile cuts the name at a NUL character. Other programs may not.
        name, path = entry.orig_filename, unpacked_name(entry.filename)
        unclear = name != entry.filename or "\\" in name or ".." in name.split("/") or name.startswith("/")
        # A folder may be listed twice.
        twice = path in files and (files[path] or not entry.is_dir())
        if unclear or twice or _SECOND_NAME in _extra_fields(entry.extra):
            return name
        files[path] = not entry.is_dir()
    # A file cannot be a folder as well.
    return next((parent for path in files for parent in _parents(path) if files.get(parent)), "")


def only_file(entries: Sequence[ZipInfo], name: str) -> ZipInfo:
    """Return the entry of the file `name` of a source.

    Raises `ValueError` if there is not one such file, if it or a folder above it is a link or another special file, or
    if any entry of the source is ambiguous.
    """
    if unclear := ambiguous_entry(entries):
        raise ValueError(f"the source has the entry {unclear!r}, which programs unpack in different ways")
    found = [entry for entry in entries if unpacked_name(entry.filename) == name and not entry.is_dir()]
    if len(found) != 1:
        raise ValueError(f"the source has {len(found)} files named {name}")
    if stat.S_IFMT(found[0].external_attr >> 16) not in (0, stat.S_IFREG):
        raise ValueError(f"{name} is a link or another special file in the source")
    return found[0]


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _extra_fields(extra: bytes) -> Iterator[int]:
    """Yield the identifiers of a zip entry's extra fields. Each field starts with its identifier and its length."""
    while len(extra) >= _EXTRA_FIELD.size:
        identifier, length = _EXTRA_FIELD.unpack_from(extra)
        yield identifier
        extra = extra[_EXTRA_FIELD.size + length :]
