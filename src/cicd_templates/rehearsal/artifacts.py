"""Artifacts between actions: zips in the pipeline's bucket, put and taken by whoever's turn it is."""

from __future__ import annotations

import io
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd_templates.errors import CicdError
from cicd_templates.rehearsal.buildspec import Files
from cicd_templates.rehearsal.definition import Pipeline


@dataclass(frozen=True)
class Artifact:
    """Where one lies."""

    name: str
    bucket: str
    object_key: str

    @property
    def location(self) -> dict[str, Any]:
        """The artifact as CodePipeline names it to a function."""
        place = {"bucketName": self.bucket, "objectKey": self.object_key}
        return {"name": self.name, "revision": None, "location": {"type": "S3", "s3Location": place}}


def put(s3: Any, pipeline: Pipeline, name: str, data: bytes) -> Artifact:
    """Put an artifact as its maker, under a key of the form that CodePipeline gives it."""
    artifact = Artifact(name, pipeline.bucket, f"{pipeline.name[:20]}/{name[:10]}/{uuid.uuid4().hex[:7]}")
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": pipeline.key} if pipeline.key else {}
    s3.put_object(Bucket=artifact.bucket, Key=artifact.object_key, Body=data, **encrypted)
    return artifact


def take(s3: Any, artifact: Artifact) -> zipfile.ZipFile:
    """An artifact as its reader gets it. Raises `CicdError` where it is no zip."""
    data = s3.get_object(Bucket=artifact.bucket, Key=artifact.object_key)["Body"].read()
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile:
        raise CicdError(f"{artifact.name} is no zip, as artifacts of CodePipeline are") from None


def unpack(archive: zipfile.ZipFile, folder: Path) -> None:
    """Write the files of a zip, those that can be executed so."""
    archive.extractall(folder)
    for entry in archive.infolist():
        if mode := entry.external_attr >> 16 & 0o111:
            path = folder / entry.filename
            path.chmod(path.stat().st_mode | mode)


def packed(source: Path, files: Files) -> bytes:
    """The files of a build that it hands on. Raises `CicdError` where none is there, as CodeBuild fails."""
    folder = source / files.folder
    found = sorted({path for pattern in files.patterns for path in _matching(folder, pattern)})
    if not found:
        raise CicdError(f"no file matches {', '.join(files.patterns)} in {files.folder}, so there is no artifact")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in found:
            archive.write(path, path.relative_to(folder))
    return target.getvalue()


def _matching(folder: Path, pattern: str) -> list[Path]:
    # CodeBuild's `**/*` has the files of the folder itself, too, and those that begin with a dot.
    return [path for path in folder.glob(pattern) if path.is_file()]
