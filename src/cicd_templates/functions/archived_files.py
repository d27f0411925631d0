"""Finds a file by its path in a zip file. Refuses zip files that different programs would unpack differently."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from zipfile import ZipInfo

from cicd_templates.functions.zip_names import ambiguous_entry, unpacked_name


def only_file(entries: Sequence[ZipInfo], name: str) -> ZipInfo:
    """Return the entry of the file `name`.

    Raises `ValueError` in these cases:
    - The zip file does not have exactly one file with this name.
    - The zip file has an entry that programs unpack in different ways.
    - The file, or a folder above the file, is a link or a special file.
    """
    if unclear := ambiguous_entry(entries):
        raise ValueError(f"the zip file has the entry {unclear!r}, which programs unpack in different ways")
    found = [entry for entry in entries if unpacked_name(entry.filename) == name and not entry.is_dir()]
    if len(found) != 1:
        raise ValueError(f"the zip file has {len(found)} files named {name}")
    if stat.S_IFMT(found[0].external_attr >> 16) not in (0, stat.S_IFREG):
        raise ValueError(f"{name} is a link or another special file in the zip file")
    return found[0]
