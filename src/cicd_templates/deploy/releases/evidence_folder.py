"""Copies the evidence of one release from S3 into a folder. Does not verify the evidence.

The file names in a release statement come from a build, which may be malicious. This module therefore refuses names
that lead out of the folder, and reads files only from the signer's buckets. `evidence.verification` verifies the
folder.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cicd_templates.config.naming import approval_keys, deployment_keys
from cicd_templates.deploy.releases.archives import EPOCH
from cicd_templates.deploy.releases.signed_releases import (
    EvidenceStore,
    SignedReleaseStatement,
    find_release_before,
)
from cicd_templates.errors import CicdError
from cicd_templates.evidence.additions import PAGE_NAMES, RELEASE_BEFORE, TEMPLATES_BEFORE, approval_name
from cicd_templates.evidence.derived_files import derived_files
from cicd_templates.evidence.folder import read_folder
from cicd_templates.files.private_files import make_private_folder
from cicd_templates.files.replacement import replacing
from cicd_templates.functions.approval_records import RECORD_NAME
from cicd_templates.functions.evidence_format import DEPLOYMENT, FILE_NAME, PUBLIC_KEY, RELEASE, TEMPLATES_ARCHIVE

_ADDRESS = re.compile(r"s3://([^/]+)/(.+)\?versionId=([^?]+)")
_APPROVAL = re.compile(r"([a-z0-9-]+)/([^/]+)/([0-9a-f]{64})/([a-z.-]+)")
# S3's error codes for an object or a version that does not exist.
_MISSING = {"NoSuchKey", "NoSuchVersion"}
_CHUNK_BYTES = 1 << 20


def write_evidence_folder(store: EvidenceStore, release: SignedReleaseStatement, folder: Path) -> None:
    """Replace `folder` with a folder that contains the evidence of `release`. If this fails, `folder` is unchanged.

    The new folder has these files:
    - the files that the release statement lists, and the signer's public key from `store`
    - the templates of the previous release, the pages and records that approvers saw, and the statements about
      deployments
    - derived files, whose contents are computed from the files above

    If an object no longer exists in S3, its file is left out, and the verification reports it as missing. Raises
    `CicdError` if the release statement has a file name that is not valid in a folder.
    """
    _, *listed = release.statement.subject
    sources = {file.name: _source(store, release, file.name) for file in listed}
    before = find_release_before(store, release)
    if before:
        sources[TEMPLATES_BEFORE] = _source(store, before, TEMPLATES_ARCHIVE)
    sources |= _approvals(store, release.service, release.execution)
    sources |= _deployments(store, release.service, release.execution)
    with _replaced(folder) as new:
        for name, source in sources.items():
            _download(store, source, new / name)
        (new / RELEASE).write_bytes(release.content)
        (new / PUBLIC_KEY).write_bytes(store.key.pem)
        # The templates of an older release may have expired. Without them, the statement of that release is of no use.
        if before and (new / TEMPLATES_BEFORE).exists():
            (new / RELEASE_BEFORE).write_bytes(before.content)
        for name, content in derived_files(read_folder(new), release.statement, store.key).items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(content)


def zip_folder(folder: Path) -> Path:
    """Write `<folder>.zip` with the files of `folder`, and return its path. The same files give the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}", EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    written = folder.with_name(f"{folder.name}.zip")
    with replacing(written) as new:
        new.write_bytes(target.getvalue())
    return written


def _source(store: EvidenceStore, release: SignedReleaseStatement, name: str) -> Mapping[str, str]:
    """Return the parameters of the GetObject call that reads the file `name` of the release."""
    if not FILE_NAME.fullmatch(name):
        raise CicdError(f"the release statement in {release.prefix} names {name!r}, which is not a valid file name")
    locations = release.statement.predicate.get("locations")
    address = locations.get(name) if isinstance(locations, dict) else None
    if address is None:
        return {"Bucket": store.evidence, "Key": f"{release.prefix}{name}"}
    match = _ADDRESS.fullmatch(str(address))
    if match is None or match[1] not in store.buckets:
        raise CicdError(
            f"the release statement in {release.prefix} says that {name} is at {address}, which is in no bucket of the"
            " signer"
        )
    return {"Bucket": match[1], "Key": match[2], "VersionId": match[3]}


def _approvals(store: EvidenceStore, service: str, execution: str) -> dict[str, Mapping[str, str]]:
    """Return where S3 stores the files that approvers saw in a pipeline execution.

    The result maps the name of each file in the folder of evidence to the S3 bucket and key.
    """
    prefix = f"{approval_keys(service)}/"
    keys = _keys(store, prefix)
    return {
        approval_name(match[1], match[3], match[4]): {"Bucket": store.evidence, "Key": key}
        for key in keys
        if (match := _APPROVAL.fullmatch(key.removeprefix(prefix)))
        and match[2] == execution
        and match[4] in (RECORD_NAME, *PAGE_NAMES)
    }


def _deployments(store: EvidenceStore, service: str, execution: str) -> dict[str, Mapping[str, str]]:
    """Map the path of each deployment statement in the folder of evidence to the S3 bucket and key of the statement."""
    prefix = f"{deployment_keys(service)}/{execution}/"
    named = {f"deployments/{key.removeprefix(prefix)}": key for key in _keys(store, prefix)}
    return {name: {"Bucket": store.evidence, "Key": key} for name, key in named.items() if DEPLOYMENT.fullmatch(name)}


def _keys(store: EvidenceStore, prefix: str) -> list[str]:
    pages = store.s3.get_paginator("list_objects_v2").paginate(Bucket=store.evidence, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", ())]


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
    """Yield a new, empty folder. At the end of the `with` block, the new folder replaces `folder`. After an error, the
    new folder is removed.

    The replacement takes two steps: the old folder is renamed to `.<name>.old`, then the new folder is renamed to
    `folder`. If the process is killed between these steps, the next call restores the old folder.
    """
    new, old = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
    _take_back(old, folder)
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    make_private_folder(new)
    try:
        yield new
        if folder.exists():
            folder.replace(old)
        new.replace(folder)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        _take_back(old, folder)
        shutil.rmtree(new, ignore_errors=True)
        raise


def _take_back(old: Path, folder: Path) -> None:
    if old.exists() and not folder.exists():
        old.replace(folder)
