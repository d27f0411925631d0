"""Reports as CodePipeline hands them on: zips in a bucket, read in memory and within limits, nothing extracted."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from cicd_templates.functions.scan_gate.reading import UnusableError

MOST_ENTRIES = 100
MOST_BYTES = 200_000_000
PIECE = 1_000_000


def fetched(s3: Any, location: dict[str, str]) -> bytes:
    """The bytes of an artifact. Raises `UnusableError` for one that is larger than a report can be."""
    where = {"Bucket": location["bucketName"], "Key": location["objectKey"]}
    size = s3.head_object(**where)["ContentLength"]
    if size > MOST_BYTES:
        raise UnusableError(f"its artifact has {size:,} bytes, more than a report can have")
    body: bytes = s3.get_object(**where)["Body"].read()
    return body


def unpacked(data: bytes, names: list[str]) -> dict[str, bytes]:
    """Those of `names` that are in a zip. Raises `UnusableError` for a zip that is damaged, locked or made to burst."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile as error:
        raise UnusableError(f"its artifact is no zip: {error}") from None
    listed = [entry.filename for entry in archive.infolist()]
    if len(listed) > MOST_ENTRIES or len(set(listed)) < len(listed):
        raise UnusableError(f"its artifact has {len(listed)} entries, too many or one of them twice")
    found, room = {}, MOST_BYTES
    for name in names:
        if name in listed:
            found[name] = _content(archive, name, room)
            room -= len(found[name])
    return found


def _content(archive: zipfile.ZipFile, name: str, room: int) -> bytes:
    """The bytes of one entry, counted while they are read: what the zip says of their number may be untrue."""
    pieces, left = [], room
    try:
        with archive.open(name) as entry:
            while piece := entry.read(PIECE):
                left -= len(piece)
                if left < 0:
                    raise UnusableError(f"{name} has more than {MOST_BYTES:,} bytes")
                pieces.append(piece)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise UnusableError(f"{name} cannot be read: {error}") from None
    return b"".join(pieces)
