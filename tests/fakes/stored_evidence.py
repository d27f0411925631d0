"""Releases in an evidence bucket, as the signer leaves them: statements beside each other, and documents by version."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cicd_templates.deploy.releases.signed_releases import EvidenceStore
from cicd_templates.evidence.instructions import INSTRUCTIONS
from cicd_templates.evidence.public_key import read_public_key
from cicd_templates.functions.evidence_format import TEMPLATES_ARCHIVE
from tests.fakes.signed_evidence import DOCUMENTS, Signer, write_evidence
from tests.fakes.signing_account import SERVICE, SigningAccount

SIGNER = Signer()
BUCKETS = frozenset({"evidence", "artifacts", "templates"})


def store_of(account: SigningAccount, signer: Signer = SIGNER) -> EvidenceStore:
    return EvidenceStore(account.client("s3"), "evidence", BUCKETS, read_public_key(signer.pem))


def minute(number: int) -> datetime:
    return datetime(2026, 11, 24, 12, number, tzinfo=UTC)


def put_release(
    account: SigningAccount,
    number: int,
    *,
    signer: Signer = SIGNER,
    documents: Mapping[str, bytes] = DOCUMENTS,
    about: Mapping[str, Any] | None = None,
    prefix: str = "",
    **options: Any,
) -> str:
    """Store the release `run-<number>` of the source version `v-<number>`, signed in the minute `number`.

    Return its prefix.

    Documents are in the bucket with templates, artifacts or evidence. Everything else is beside the release statement.
    """
    execution = f"run-{number}"
    prefix = prefix or f"{SERVICE}/{execution}/signed"
    locations = {}
    for name, content in documents.items():
        bucket = {"reports": "artifacts", "evidence": "evidence"}.get(name.partition("/")[0])
        if name == TEMPLATES_ARCHIVE:
            bucket = "templates"
        if bucket:
            key = name if name == TEMPLATES_ARCHIVE else f"{SERVICE}/{execution}/{name.partition('/')[2]}"
            account.put(bucket, key, content, f"v-{number}")
            locations[name] = f"s3://{bucket}/{key}?versionId=v-{number}"
    signed_on = minute(number).isoformat()
    predicate = {"signedOn": signed_on, "sourceVersion": f"v-{number}", "locations": locations, **(about or {})}
    with tempfile.TemporaryDirectory() as temporary:
        folder = write_evidence(
            Path(temporary) / "evidence", signer, execution=execution, documents=documents, about=predicate, **options
        )
        for path in folder.rglob("*"):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name not in locations and name != INSTRUCTIONS:
                account.put("evidence", f"{prefix}/{name}", path.read_bytes(), "s-1")
                account.stored_on[f"{prefix}/{name}"] = minute(number)
    return prefix
