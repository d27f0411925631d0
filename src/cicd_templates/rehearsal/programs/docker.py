"""Replaces the `docker` command in a rehearsed build. It pushes a placeholder instead of an image.

The placeholder has one layer, which lists the files in the build context with their digests. So the same source always
gives the same image digest. The placeholder is pushed with ECR's own API calls.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LAYER_MEDIA_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
CONFIG_MEDIA_TYPE = "application/vnd.docker.container.image.v1+json"
NOTE = "no image is built; instead, a placeholder with a different digest is pushed"

EXPORT_NOTE = "the packages in the image are not listed, because the image is not built"
SUPPORTED = ("login", "build", "push", "pull", "create", "export", "rm", "image inspect")


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands in `SUPPORTED` and return its exit code."""
    command, *rest = arguments
    if command == "login":
        return 0 if sys.stdin.read().strip() else _report_failure("standard input has no password")
    if command == "build":
        return _build(rest)
    if command == "push":
        return _push(rest[-1])
    if command in ("pull", "create", "rm"):
        print(rest[-1])
        return 0
    if command == "export":
        return _export()
    if [command, *rest[:1]] == ["image", "inspect"]:
        # The configuration of a real image is not known here.
        print(json.dumps([{"Config": {}}]))
        return 0
    return _report_failure(f"{command}: a rehearsal has no container engine; it supports {', '.join(SUPPORTED)}")


def _export() -> int:
    """Print an empty tar archive, because the content of the real image is not known in a rehearsal."""
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|"):
        pass
    _add_note(EXPORT_NOTE)
    return 0


def _add_note(text: str) -> None:
    with Path(os.environ["REHEARSAL_NOTES"]).open("a") as notes:
        notes.write(f"{text}\n")


def _report_failure(reason: str) -> int:
    print(f"docker: {reason}", file=sys.stderr)
    return 1


def _option(arguments: Sequence[str], name: str, default: str) -> str:
    return arguments[list(arguments).index(name) + 1] if name in arguments else default


def _image_file(tag: str) -> Path:
    return Path(os.environ["HOME"], f"image-{hashlib.sha256(tag.encode()).hexdigest()}")


def _build(arguments: Sequence[str]) -> int:
    context = Path(arguments[-1])
    file = Path(_option(arguments, "--file", str(context / "Dockerfile")))
    if not file.is_file():
        return _report_failure(f"{file}: no such file")
    named = [path for path in sorted(context.rglob("*")) if path.is_file()]
    digests = [f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.relative_to(context)}" for path in named]
    _image_file(_option(arguments, "--tag", "")).write_text("\n".join(digests))
    return 0


def _push(image: str) -> int:
    # Builds run this program about twenty times and push once. Importing botocore takes most of the time of a start.
    import botocore.session

    if not _image_file(image).exists():
        return _report_failure(f"{image}: the image was not built")
    registry, _, rest = image.partition("/")
    repository, _, tag = rest.rpartition(":")
    ecr: Any = botocore.session.get_session().create_client("ecr")
    layer = _upload(ecr, repository, _image_file(image).read_bytes())
    config = _upload(ecr, repository, json.dumps({"rehearsal": registry}).encode())
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG_MEDIA_TYPE, **config},
        "layers": [{"mediaType": LAYER_MEDIA_TYPE, **layer}],
    }
    text = json.dumps(manifest)
    ecr.put_image(repositoryName=repository, imageManifest=text, imageManifestMediaType=MANIFEST, imageTag=tag)
    _add_note(NOTE)
    return 0


def _upload(ecr: Any, repository: str, data: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[digest])
    upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    last = len(data) - 1
    part = {"repositoryName": repository, "uploadId": upload, "partFirstByte": 0, "partLastByte": last}
    ecr.upload_layer_part(**part, layerPartBlob=data)
    ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[digest])
    return {"size": len(data), "digest": digest}
