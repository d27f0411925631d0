"""Finds the release statements of a service in the evidence bucket. Skips statements that the signer did not sign.

Builds may write to the bucket, so the bucket can contain unsigned statements and copies of signed statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cicd_templates.errors import CicdError
from cicd_templates.evidence.public_key import PublicKey
from cicd_templates.evidence.statements import Statement, StatementError, read_statement
from cicd_templates.functions.evidence_format import RELEASE, RELEASE_TYPE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The signer ends within minutes. A statement that was stored much later than it was signed is therefore a copy.
LONGEST_SIGNING = timedelta(hours=1)


@dataclass(frozen=True)
class EvidenceStore:
    """The buckets that the signer uses, and the signer's public key.

    `evidence` is the bucket with the release statements.
    """

    s3: S3Client
    evidence: str
    buckets: frozenset[str]
    key: PublicKey


@dataclass(frozen=True)
class ReleaseQuery:
    """A search for one release of a service. It finds the newest release that matches all fields.

    An empty field matches every release. `version` is the version of the source: a commit, or the version id of the
    source in S3. `digest` is the SHA-256 of the image.
    """

    service: str
    execution: str = ""
    version: str = ""
    digest: str = ""

    def __str__(self) -> str:
        named = {"execution": self.execution, "source version": self.version, "image": self.digest}
        return f"{self.service}{''.join(f', {name} {value}' for name, value in named.items() if value)}"


@dataclass(frozen=True)
class SignedReleaseStatement:
    """A release statement that the signer's key has signed. `prefix` is the S3 prefix of the release's signed files."""

    prefix: str
    content: bytes
    statement: Statement
    signed_on: datetime

    @property
    def service(self) -> str:
        """The name of the released service."""
        return str(self.statement.predicate["service"])

    @property
    def execution(self) -> str:
        """The pipeline execution that made the release."""
        return str(self.statement.predicate["execution"])


def find_release(store: EvidenceStore, query: ReleaseQuery) -> SignedReleaseStatement:
    """Return the newest release that `query` matches. Raises `CicdError` if there is none."""
    for release in _releases(store, query):
        predicate, image = release.statement.predicate, release.statement.subject[0]
        if query.version in ("", predicate.get("sourceVersion")) and query.digest in ("", image.digest.get("sha256")):
            return release
    raise CicdError(
        f"no signed release of {query} in s3://{store.evidence}; a release is signed at the end of its build"
    )


def find_release_before(store: EvidenceStore, release: SignedReleaseStatement) -> SignedReleaseStatement | None:
    """Return the release of the same service that was signed directly before `release`, or None if there is none."""
    earlier = (
        other
        for other in _releases(store, ReleaseQuery(release.service))
        if other.execution != release.execution and other.signed_on < release.signed_on
    )
    return next(earlier, None)


def _releases(store: EvidenceStore, query: ReleaseQuery) -> Iterator[SignedReleaseStatement]:
    """Yield the signed release statements about the service in `query`, newest first.

    If `query` names a pipeline execution, yield only statements about this execution. Otherwise, leave out statements
    that were stored more than `LONGEST_SIGNING` after their signing, because they are copies.
    """
    prefix = f"{query.service}/{query.execution}/" if query.execution else f"{query.service}/"
    pages = store.s3.get_paginator("list_objects_v2").paginate(Bucket=store.evidence, Prefix=prefix)
    form = re.compile(rf"{re.escape(query.service)}/([^/]+)/signed(-\d)?/{re.escape(RELEASE)}")
    stored = [
        (item["LastModified"], item["Key"], match[1])
        for page in pages
        for item in page.get("Contents", ())
        if (match := form.fullmatch(item["Key"]))
    ]
    for stored_on, key, execution in sorted(stored, reverse=True):
        release = _read_release(store, key, query.service, execution)
        if release and (query.execution or stored_on - release.signed_on < LONGEST_SIGNING):
            yield release


def _read_release(store: EvidenceStore, key: str, service: str, execution: str) -> SignedReleaseStatement | None:
    """Return the signed statement at `key`, or None if it is not a release statement for `service` and `execution`."""
    content = store.s3.get_object(Bucket=store.evidence, Key=key)["Body"].read()
    try:
        statement = read_statement(content, store.key)
        signed_on = datetime.fromisoformat(str(statement.predicate.get("signedOn")))
    except (StatementError, ValueError):
        return None
    about = (statement.predicate_type, statement.predicate.get("service"), statement.predicate.get("execution"))
    if about != (RELEASE_TYPE, service, execution) or signed_on.tzinfo is None:
        return None
    return SignedReleaseStatement(key.removesuffix(RELEASE), content, statement, signed_on)
