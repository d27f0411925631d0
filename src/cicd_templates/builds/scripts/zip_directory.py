"""Finds the names of the entries in a zip file. The file may have any name, and other bytes may precede the archive.

Several scripts import this module. `builds/build_scripts.py` replaces each such import by the text of the module.
"""

import mmap
import re
from collections.abc import Iterator

# A zip file ends with the end of its directory: 22 bytes, and a comment of at most 65,535 bytes.
ZIP_END, ZIP_TAIL = b"PK\5\6", 22 + 65_535
ZIP_ENTRY = re.compile(rb"PK\x01\x02")


def end_of_directory(data: "bytes | mmap.mmap") -> int:
    """Return the offset of the zip file's end-of-directory record in `data`, or -1 if `data` is not a zip file."""
    return data.rfind(ZIP_END, max(0, len(data) - ZIP_TAIL))


def zipped_names(data: "bytes | mmap.mmap") -> Iterator[bytes]:
    """Yield the names of all entries in the zip file `data`.

    A zip file can have several central directories, and different programs may read different ones. So this function
    finds the entries of all central directories.
    """
    if end_of_directory(data) < 0:
        return
    for entry in ZIP_ENTRY.finditer(data):
        start = entry.start() + 46
        length = int.from_bytes(data[start - 18 : start - 16], "little")
        yield data[start : start + length]
