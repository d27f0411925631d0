"""Reports as CodePipeline hands them on: zips in a bucket, read in memory and within limits, nothing extracted."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

from cicd_templates.functions.scan_gate.reading import UnusableError

MOST_ENTRIES = 100
# Read, a report takes seven times its size in memory: this has to fit into that of the function.
MOST_BYTES = 100_000_000


def fetched(s3: Any, location: dict[str, str]) -> bytes:
    """The bytes of an artifact. Raises `UnusableError` for one that is larger than a report can be."""
    answer = s3.get_object(Bucket=location["bucketName"], Key=location["objectKey"])
    if answer["ContentLength"] > MOST_BYTES:
        raise UnusableError(f"its artifact has {answer['ContentLength']:,} bytes, more than a report can have")
    return bytes(answer["Body"].read())


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
    try:
        with archive.open(name) as entry:
            content = entry.read(room + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise UnusableError(f"{name} cannot be read: {error}") from None
    if len(content) > room:
        raise UnusableError(f"{name} has more than {MOST_BYTES:,} bytes")
    return content
