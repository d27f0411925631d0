"""Reads the signed statements about a release, so that only the signed image and the signed templates are deployed.

This module reads three statements: the release statement, the provenance and the gate's verification summary. KMS
verifies the signature of each statement. The release statement has the SHA-256 of the other two statements, so all
three belong to the same pipeline execution.

The environment variables:

- `SIGNING_KEY`: the ARN of the KMS key. A function that is deployed before the key exists has the ARN of the key's
  future alias instead.
- `EVIDENCE_BUCKET`: the bucket with the statements
- `SERVICE`, `BUILDER` and `GATE`: the service, the builder and the verifier that the statements must name
- `TEMPLATES_BUCKET` and `TEMPLATES_KEY`: the bucket and the key of the object with the reviewed templates
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cicd_templates.functions.archived_files import only_file
from cicd_templates.functions.evidence_format import (
    FOLDER,
    PAYLOAD_TYPE,
    PREDICATE_TYPES,
    PROVENANCE,
    RELEASE,
    RELEASE_TYPE,
    SCAN_POLICY,
    STATEMENT_TYPE,
    TEMPLATES_ARCHIVE,
    VERIFICATION_SUMMARY,
    list_of_digest,
    signed_bytes,
)

MAX_STATEMENT_BYTES = 8 << 20
MAX_TEMPLATES_BYTES = 100 << 20
# A release of the same source finds the image that an earlier run has built, and signs it again.
MAX_FOLDERS = 5
# For a missing key, S3 answers "access denied" to a caller that may not list the bucket.
MISSING_CODES = ("NoSuchKey", "NoSuchVersion", "AccessDenied")
FOLDER_PATTERN = f"(?P<service>[^/]+)/(?P<execution>[^/]+)/{FOLDER}(?:-[0-9]+)?"


class NotSignedError(Exception):
    """Raised if the signer has not signed an image or the templates of a deployment. The message says what is wrong."""


@dataclass(frozen=True)
class SignedImage:
    """A signed image, and the signed templates that may deploy it. `image` is an address with a digest.

    `execution` is the pipeline run that signed the image and the templates. `templates` is the address of a version of
    an S3 object, and `templates_sha256` is its SHA-256.
    """

    image: str
    execution: str
    templates: str
    templates_sha256: str

    def read_templates(self, *names: str) -> list[str]:
        """Return the texts of the files with these names in the archive of the signed templates.

        Raises `NotSignedError` if the templates cannot be read, or if their SHA-256 is not the signed one.
        """
        bucket, key = os.environ["TEMPLATES_BUCKET"], os.environ["TEMPLATES_KEY"]
        address, _, version = self.templates.partition("?versionId=")
        if address != f"s3://{bucket}/{key}" or not version:
            raise NotSignedError(f"{self.templates} is not a version of s3://{bucket}/{key}")
        content = _read_object(MAX_TEMPLATES_BYTES, Bucket=bucket, Key=key, VersionId=version)
        if hashlib.sha256(content).hexdigest() != self.templates_sha256:
            raise NotSignedError(f"{self.templates} is not the version that was signed")
        return _read_files(content, names)


def template_files(environment: str, layers: Iterable[str]) -> list[str]:
    """Return the paths of the service's templates for `layers` in the archive of the reviewed templates."""
    return [f"{environment}/{layer}-{os.environ['SERVICE']}.yaml" for layer in layers]


def read_signed_image(folder: str) -> SignedImage:
    """Return the image and the templates that the signed statements in `folder` describe.

    `folder` is the S3 prefix that the signer has reported, such as `<service>/<execution>/signed`, or
    `<service>/<execution>/signed-2` after a retry. Raises `NotSignedError` if a statement is missing, is not signed by
    the key, or is about another release.
    """
    named = re.fullmatch(FOLDER_PATTERN, folder)
    if named is None or named["service"] != os.environ["SERVICE"]:
        raise NotSignedError(f"{folder!r} is not a folder with signed statements of {os.environ['SERVICE']}")
    bucket = os.environ["EVIDENCE_BUCKET"]
    contents = {
        name: _read_object(MAX_STATEMENT_BYTES, Bucket=bucket, Key=f"{folder}/{name}")
        for name in (RELEASE, PROVENANCE, VERIFICATION_SUMMARY, SCAN_POLICY)
    }
    release = _Statement(f"{folder}/{RELEASE}", contents[RELEASE], RELEASE_TYPE)
    release.require(named["service"], "predicate", "service")
    release.require(named["execution"], "predicate", "execution")
    listed = {each["name"]: each["digest"] for each in release.field("subject")[1:]}
    digests = {name: hashlib.sha256(contents[name]).hexdigest() for name in contents}
    for name in (PROVENANCE, VERIFICATION_SUMMARY, SCAN_POLICY):
        if listed.get(name) != {"sha256": digests[name]}:
            raise NotSignedError(f"{folder}/{name} is not the file that {RELEASE} lists")
    image = release.field("subject")[0]
    provenance, summary = (
        _Statement(f"{folder}/{name}", contents[name], PREDICATE_TYPES[name])
        for name in (PROVENANCE, VERIFICATION_SUMMARY)
    )
    for statement in (provenance, summary):
        statement.require([image], "subject")
    provenance.require(os.environ["BUILDER"], "predicate", "runDetails", "builder", "id")
    provenance.require(named["execution"], "predicate", "runDetails", "metadata", "invocationId")
    summary.require("PASSED", "predicate", "verificationResult")
    summary.require(os.environ["GATE"], "predicate", "verifier", "id")
    summary.require(digests[SCAN_POLICY], "predicate", "policy", "digest", "sha256")
    reference = f"{image['name']}@sha256:{image['digest']['sha256']}"
    summary.require(reference, "predicate", "resourceUri")
    if listed.get(TEMPLATES_ARCHIVE) is None:
        raise NotSignedError(f"{folder}/{RELEASE} lists no {TEMPLATES_ARCHIVE}")
    templates = release.field("predicate", "locations", TEMPLATES_ARCHIVE)
    return SignedImage(reference, named["execution"], templates, listed[TEMPLATES_ARCHIVE]["sha256"])


def require_signed(image: str) -> str:
    """Return the folder with the signed statements about `image`, an address with a digest.

    The signer stores an index of the folders with statements about each digest. The index is not signed, so this
    function also verifies the statements in the folders. Raises `NotSignedError` if no statements are about `image`.
    """
    import boto3

    service, bucket = os.environ["SERVICE"], os.environ["EVIDENCE_BUCKET"]
    prefix = list_of_digest(service, image.rpartition("@sha256:")[2])
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    listed = [(item["LastModified"], item["Key"]) for page in pages for item in page.get("Contents", ())]
    problem = f"the signer has signed no statements about {image}"
    for _, key in sorted(listed, reverse=True)[:MAX_FOLDERS]:
        folder = f"{service}/{key.removeprefix(prefix)}"
        try:
            signed = read_signed_image(folder)
        except NotSignedError as error:
            problem = str(error)
            continue
        if signed.image == image:
            return folder
        problem = f"the statements in {folder} are about {signed.image}, not about {image}"
    raise NotSignedError(problem)


def read_newest_templates(*names: str) -> list[str]:
    """Return the texts of the files with these names in the newest version of the reviewed templates.

    A release without signed statements may deploy only these templates.
    """
    content = _read_object(MAX_TEMPLATES_BYTES, Bucket=os.environ["TEMPLATES_BUCKET"], Key=os.environ["TEMPLATES_KEY"])
    return _read_files(content, names)


def _read_files(archive: bytes, names: Iterable[str]) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return [opened.read(only_file(opened.infolist(), name)).decode("utf-8") for name in names]


class _Statement:
    """A statement whose signature was verified."""

    def __init__(self, name: str, content: bytes, predicate_type: str) -> None:
        self._name = name
        self._content: Any = json.loads(_verified_payload(name, content))
        self.require(STATEMENT_TYPE, "_type")
        self.require(predicate_type, "predicateType")

    def field(self, *path: str) -> Any:
        """Return the value at a path in the statement. Raises `NotSignedError` if there is no such value."""
        value = self._content
        for key in path:
            if not isinstance(value, dict) or key not in value:
                raise NotSignedError(f"{self._name} has no {'.'.join(path)}")
            value = value[key]
        return value

    def require(self, expected: Any, *path: str) -> None:
        """Raise `NotSignedError` if the statement does not have the expected value at a path."""
        value = self.field(*path)
        if value != expected:
            raise NotSignedError(f"{self._name} has {'.'.join(path)} {value!r} instead of {expected!r}")


def _verified_payload(name: str, content: bytes) -> bytes:
    """Return the payload of a DSSE envelope. Raises `NotSignedError` if the key has not signed exactly these bytes."""
    import boto3
    from botocore.exceptions import ClientError

    try:
        envelope = json.loads(content)
        (only,) = envelope["signatures"]
        payload, signature = (base64.b64decode(text, validate=True) for text in (envelope["payload"], only["sig"]))
        payload_type = envelope["payloadType"]
    except (ValueError, KeyError, TypeError):
        raise NotSignedError(f"{name} is not a DSSE envelope with one signature") from None
    if payload_type != PAYLOAD_TYPE:
        raise NotSignedError(f"{name} has the payload type {payload_type!r} instead of {PAYLOAD_TYPE}")
    key = os.environ["SIGNING_KEY"]
    try:
        answer = boto3.client("kms").verify(
            KeyId=key,
            Message=hashlib.sha256(signed_bytes(payload)).digest(),
            MessageType="DIGEST",
            Signature=signature,
            SigningAlgorithm="ECDSA_SHA_256",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "KMSInvalidSignatureException":
            raise
        raise NotSignedError(f"{name} is not signed with {key}") from None
    if answer["SignatureValid"] is not True or not _is_key(answer["KeyId"], key):
        raise NotSignedError(f"{name} is not signed with {key}")
    return payload


def _is_key(used: str, key: str) -> bool:
    """Return whether KMS verified a signature with the configured key.

    `used` is the ARN of the key that KMS used, and `key` is the configured ARN. If `key` is the ARN of an alias, any
    key in the alias's account and region counts as the configured key.
    """
    place, alias, _ = key.partition(":alias/")
    return used.startswith(f"{place}:key/") if alias else used == key


def _read_object(limit: int, **asked: Any) -> bytes:
    """Return an S3 object of at most `limit` bytes. Raises `NotSignedError` if it is missing or too long."""
    import boto3
    from botocore.exceptions import ClientError

    try:
        body = boto3.client("s3").get_object(**asked)["Body"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in MISSING_CODES:
            raise
        raise NotSignedError(f"{asked['Key']} of the signed release cannot be read ({code})") from None
    content: bytes = body.read(limit + 1)
    if len(content) > limit:
        raise NotSignedError(f"{asked['Key']} has more than {limit} bytes")
    return content
