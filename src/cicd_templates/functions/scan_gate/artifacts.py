"""Read files from an artifact into memory. An artifact is a zip file that may be hostile, so sizes are limited.

Nothing is extracted to disk.
"""

from __future__ import annotations

import io
import zipfile
import zlib

from cicd_templates.functions.scan_gate.reading import UnusableError
from cicd_templates.functions.zip_names import ambiguous_entry, differing_local_name, unclear_directory

MAX_ENTRIES = 100
# A parsed report takes seven times its size in memory, which the function's memory must hold.
MAX_BYTES = 100_000_000


def read_entries(data: bytes, names: list[str]) -> dict[str, bytes]:
    """Return the contents of the named entries of a zip file, keyed by name. Missing entries are left out.

    Raises `UnusableError` if the zip file is damaged, encrypted or too large, or has too many entries. Also raises it
    if different programs would unpack an entry differently, for example if two entries have the same path.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError) as error:
        raise UnusableError(f"the artifact is not a zip: {error}") from None
    entries = archive.infolist()
    listed = [entry.filename for entry in entries]
    if len(listed) > MAX_ENTRIES:
        raise UnusableError(f"the artifact has {len(listed)} entries, but at most {MAX_ENTRIES} are allowed")
    if problem := unclear_directory(archive):
        raise UnusableError(f"the artifact has {problem}, so two programs can unpack different files from it")
    if unclear := ambiguous_entry(entries) or differing_local_name(archive):
        raise UnusableError(f"the artifact has the entry {unclear!r}, which programs unpack in different ways")
    contents, remaining = {}, MAX_BYTES
    for name in names:
        if name in listed:
            contents[name] = _read_entry(archive, name, remaining)
            remaining -= len(contents[name])
    return contents


def _read_entry(archive: zipfile.ZipFile, name: str, remaining: int) -> bytes:
    """Return the content of one entry. Reading stops at a limit, because the size in the zip file may be false."""
    try:
        with archive.open(name) as entry:
            content = entry.read(remaining + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise UnusableError(f"{name} cannot be read: {error}") from None
    if len(content) > remaining:
        raise UnusableError(f"{name} has more than {MAX_BYTES:,} bytes")
    return content
