"""Reads and writes the artifacts of actions: zip files in the pipeline's bucket."""

from __future__ import annotations

import io
import stat
import struct
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cicd_templates.errors import CicdError
from cicd_templates.rehearsal.buildspec import Files
from cicd_templates.rehearsal.pipeline_definition import Pipeline

MOST_ENTRIES = 20_000
MOST_BYTES = 2**30
# The identifier of an extra field with a second file name, which only some programs read:
# https://libzip.org/specifications/extrafld.txt
UNICODE_PATH = 0x7075
FIELD = struct.Struct("<HH")


@dataclass(frozen=True)
class Artifact:
    """The bucket and key of an artifact."""

    name: str
    bucket: str
    object_key: str

    @property
    def location(self) -> dict[str, Any]:
        """Return the artifact as CodePipeline describes it in the event for a Lambda function."""
        place = {"bucketName": self.bucket, "objectKey": self.object_key}
        return {"name": self.name, "revision": None, "location": {"type": "S3", "s3Location": place}}

    @property
    def detail(self) -> dict[str, Any]:
        """Return the artifact in the format in which ListActionExecutions lists output artifacts."""
        return {"name": self.name, "s3location": {"bucket": self.bucket, "key": self.object_key}}


def put_artifact(s3: Any, pipeline: Pipeline, name: str, data: bytes) -> Artifact:
    """Upload an artifact, encrypted with the pipeline's KMS key. Its object key has CodePipeline's format."""
    artifact = Artifact(name, pipeline.bucket, f"{pipeline.name[:20]}/{name[:10]}/{uuid.uuid4().hex[:7]}")
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": pipeline.key} if pipeline.key else {}
    s3.put_object(Bucket=artifact.bucket, Key=artifact.object_key, Body=data, **encrypted)
    return artifact


def read_artifact(s3: Any, artifact: Artifact) -> zipfile.ZipFile:
    """Return the zip file of an artifact. Raises `CicdError` if the artifact is not a zip file."""
    data = s3.get_object(Bucket=artifact.bucket, Key=artifact.object_key)["Body"].read()
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError):
        raise CicdError(f"the artifact {artifact.name} is not a zip file") from None


def unpack(archive: zipfile.ZipFile, folder: Path) -> None:
    """Extract the zip file `archive` into `folder`. Executable files stay executable.

    Raises `CicdError`, before anything is written, in each of these cases:
    - The name of an entry leads out of `folder`.
    - The name of an entry is ambiguous, so that different programs may extract different files.
    - An entry is a link or another special file.
    - The archive has more than `MOST_ENTRIES` entries, or more than `MOST_BYTES` bytes in total.

    Raises `CicdError` during the extraction if an entry is damaged or encrypted.
    """
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise CicdError(f"an archive has {len(entries)} entries, but at most {MOST_ENTRIES} are unpacked")
    size = sum(entry.file_size for entry in entries)
    if size > MOST_BYTES:
        raise CicdError(f"an archive has {size} bytes in total, but at most {MOST_BYTES} are unpacked")
    for entry in entries:
        _refuse_special_entry(entry)
    _refuse_ambiguous_names(entries)
    for entry in entries:
        try:
            # zipfile never extracts more bytes than the entry states, and compares the two names of an entry.
            path = Path(archive.extract(entry, folder))
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
            raise CicdError(f"an archive has the entry {entry.filename!r}, which cannot be read: {error}") from None
        if mode := entry.external_attr >> 16 & 0o111:
            path.chmod(path.stat().st_mode | mode)


def _refuse_special_entry(entry: zipfile.ZipInfo) -> None:
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in (name.parts or ("",))[0]:
        raise CicdError(f"an archive has the entry {entry.filename!r}, whose path leads out of the folder")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise CicdError(f"an archive has the entry {entry.filename!r}, which is a link or another special file")


def _refuse_ambiguous_names(entries: list[zipfile.ZipInfo]) -> None:
    """Raise `CicdError` if the names of entries are ambiguous.

    Names are ambiguous if two entries have the same name, if one entry has two names, or if one path is a file and a
    folder.
    """
    names = [PurePosixPath(entry.filename.replace("\\", "/")) for entry in entries]
    files = {name for name, entry in zip(names, entries, strict=True) if not entry.is_dir()}
    seen: set[PurePosixPath] = set()
    for name, entry in zip(names, entries, strict=True):
        if name in seen or files.intersection(name.parents):
            raise CicdError(f"an archive has the entry {entry.filename!r} twice, or as a file and as a folder")
        if UNICODE_PATH in _extra_fields(entry.extra):
            raise CicdError(f"in an archive, the entry {entry.filename!r} has two names; programs may use either name")
        seen.add(name)


def _extra_fields(extra: bytes) -> Iterator[int]:
    """Yield the identifiers of a zip entry's extra fields. Each field starts with its identifier and its length."""
    while len(extra) >= FIELD.size:
        identifier, length = FIELD.unpack_from(extra)
        yield identifier
        extra = extra[FIELD.size + length :]


def pack_files(source: Path, files: Files) -> bytes:
    """Return a zip file with a build's output files. Like CodeBuild, fail with `CicdError` if no file matches."""
    folder = source / files.folder
    found = sorted({path for pattern in files.patterns for path in _matching_files(folder, pattern)})
    if not found:
        raise CicdError(f"no file matches {', '.join(files.patterns)} in {files.folder}, so there is no artifact")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in found:
            archive.write(path, path.relative_to(folder))
    return target.getvalue()


def _matching_files(folder: Path, pattern: str) -> list[Path]:
    # As in CodeBuild, `**/*` matches hidden files and the files of the folder itself.
    return [path for path in folder.glob(pattern) if path.is_file()]
