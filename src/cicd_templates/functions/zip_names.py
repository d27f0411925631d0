"""Finds the path to which a zip entry is unpacked. Finds entries that different programs would unpack differently.

The name of an entry can begin with `./` or `/`, and can contain `//`, `..` or backslashes. An extra field can contain
another form of the name. So two entries with different names can be unpacked to the same file. Some programs then keep
the first entry, and others keep the last entry.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from zipfile import ZipFile, ZipInfo

# The identifier of an extra field with a second file name, which only some programs read:
# https://libzip.org/specifications/extrafld.txt
_SECOND_NAME = 0x7075
_EXTRA_FIELD = struct.Struct("<HH")
# The header before the content of an entry, which ends with the lengths of the name and of the extra fields.
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_UTF_8_FLAG = 0x800
# The record at the end of the file: a signature, the numbers of disks and entries, the size and the offset of the
# directory, and the length of the comment that follows. A ZIP64 record and its locator can come directly before it.
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_END_SIGNATURE = b"PK\5\6"
_FULL = (0xFFFF,) * 4 + (0xFFFFFFFF,) * 2


def unpacked_name(name: str) -> str:
    """Return the path to which programs unpack an entry: without `./`, `//` and a first `/`."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def ambiguous_entry(entries: Sequence[ZipInfo]) -> str:
    """Return the name of the first entry that different programs could unpack differently, or an empty string."""
    files: dict[str, bool] = {}
    for entry in entries:
        # zipfile cuts the name at a NUL character. Other programs can keep it whole.
        name, path = entry.orig_filename, unpacked_name(entry.filename)
        unclear = name != entry.filename or "\\" in name or ".." in name.split("/") or name.startswith("/")
        # A folder may be listed twice.
        paths = {path, unpacked_name(_as_utf_8(entry))}
        twice = any(path in files and (files[path] or not entry.is_dir()) for path in paths)
        if unclear or twice or _SECOND_NAME in _extra_fields(entry.extra):
            return name
        files |= dict.fromkeys(paths, not entry.is_dir())
    # A file cannot be a folder as well.
    return next((parent for path in files for parent in _parents(path) if files.get(parent)), "")


def differing_local_name(archive: ZipFile) -> str:
    """Return the name of the first entry that has two different names in the file, or an empty string.

    A zip file names each entry twice: in the directory at the end of the file, and directly before the content of the
    entry. zipfile reads the names in the directory. Programs that read a zip file from its beginning use the names
    before the contents.
    """
    file = archive.fp
    assert file is not None, "the archive is open"
    for entry in archive.infolist():
        file.seek(entry.header_offset)
        header = file.read(_LOCAL_HEADER.size)
        signature, length, _ = _LOCAL_HEADER.unpack(header.ljust(_LOCAL_HEADER.size, b"\0"))
        if signature != b"PK\3\4" or file.read(length) != _raw_name(entry):
            return entry.filename
    return ""


def unclear_directory(archive: ZipFile) -> str:
    """Return why two programs could find different entries in a zip file, or an empty string if none could.

    A zip file ends with the list of its entries, and a record that says where the list begins. Many programs read the
    list at this position. Python's zipfile instead reads the list directly before the record. Both must be the same
    list. Bytes around the archive, and ZIP64 records that contradict the ordinary record, are refused, too.
    """
    file = archive.fp
    assert file is not None, "the archive is open"
    place = file.seek(0, io.SEEK_END) - len(archive.comment) - _END.size
    file.seek(place)
    found = file.read()
    signature, *stated, comment = _END.unpack_from(found)
    if signature != _END_SIGNATURE or comment != len(archive.comment):
        return "text after the end"
    size_64 = _END_64.size + _LOCATOR.size
    end, values = place, stated
    if any(given == full for given, full in zip(stated, _FULL, strict=True)):
        file.seek(max(place - size_64, 0))
        before = file.read(size_64).rjust(size_64, b"\0")
        head, locator = _END_64.unpack_from(before)[:2], _LOCATOR.unpack_from(before, _END_64.size)
        if (*head, *locator) == (b"PK\6\6", _END_64.size - 12, b"PK\6\7", 0, place - size_64, 1):
            end, values = place - size_64, list(_END_64.unpack_from(before)[4:])
    count = len(archive.infolist())
    agrees = values == [0, 0, count, count, end - archive.start_dir, archive.start_dir] and all(
        given in (value, full) for given, value, full in zip(stated, values, _FULL, strict=True)
    )
    return "" if agrees else "two different directories"


def _raw_name(entry: ZipInfo) -> bytes:
    return entry.orig_filename.encode("utf-8" if entry.flag_bits & _UTF_8_FLAG else "cp437")


def _as_utf_8(entry: ZipInfo) -> str:
    """Return an entry's name, decoded as UTF-8 even if the entry has no UTF-8 flag. Some programs do the same."""
    return _raw_name(entry).decode("utf-8", errors="replace")


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
