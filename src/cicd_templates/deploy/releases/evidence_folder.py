"""Writes the evidence of one release from S3 into a folder. It judges nothing: `evidence.verification` does.

The names in a release statement come from keys of objects, which builds can choose. So a name never leaves the folder,
and only the signer's own buckets are read.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cicd_templates.deploy.releases.signed_releases import EvidenceStore, SignedReleaseStatement
from cicd_templates.errors import CicdError
from cicd_templates.evidence.instructions import INSTRUCTIONS, instructions
from cicd_templates.functions.evidence_format import PUBLIC_KEY, RELEASE
from cicd_templates.private_files import make_private_folder

_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)*", re.ASCII)
_ADDRESS = re.compile(r"s3://([^/]+)/(.+)\?versionId=([^?]+)")
# What S3 answers if an object or a version is not there.
_MISSING = {"NoSuchKey", "NoSuchVersion"}
_CHUNK_BYTES = 1 << 20


def write_evidence_folder(store: EvidenceStore, release: SignedReleaseStatement, folder: Path) -> None:
    """Replace `folder` by the evidence of `release`. Nothing is left if this fails.

    An object that is gone is left out, so that the verification names it. The public key is the one that KMS gave.
    Raises `CicdError` if the release statement names a file that cannot be part of a folder.
    """
    image, *listed = release.statement.subject
    sources = {file.name: _source(store, release, file.name) for file in listed}
    with _replaced(folder) as new:
        for name, source in sources.items():
            _download(store, source, new / name)
        (new / RELEASE).write_bytes(release.content)
        (new / PUBLIC_KEY).write_bytes(store.key.pem)
        text = instructions(f"{image.name}@sha256:{image.digest.get('sha256', '')}", store.key.fingerprint)
        (new / INSTRUCTIONS).write_text(text, encoding="utf-8")


def _source(store: EvidenceStore, release: SignedReleaseStatement, name: str) -> Mapping[str, str]:
    """Return the parameters of GetObject for a file of the release."""
    if not _NAME.fullmatch(name):
        raise CicdError(f"the release statement in {release.prefix} names {name!r}, which is no name of a file")
    locations = release.statement.predicate.get("locations")
    address = locations.get(name) if isinstance(locations, dict) else None
    if address is None:
        return {"Bucket": store.evidence, "Key": f"{release.prefix}{name}"}
    match = _ADDRESS.fullmatch(str(address))
    if match is None or match[1] not in store.buckets:
        raise CicdError(f"the release statement in {release.prefix} names {address} for {name}, which is not read")
    return {"Bucket": match[1], "Key": match[2], "VersionId": match[3]}


def _download(store: EvidenceStore, source: Mapping[str, Any], path: Path) -> None:
    from botocore.exceptions import ClientError

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        answer = store.s3.get_object(**source)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _MISSING:
            raise
        return
    with path.open("wb") as file:
        for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
            file.write(chunk)


@contextlib.contextmanager
def _replaced(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `folder` at the end of the block, or is removed after an error."""
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    make_private_folder(new)
    try:
        yield new
        shutil.rmtree(folder, ignore_errors=True)
        new.replace(folder)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
