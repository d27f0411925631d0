"""A folder of evidence as the pipeline's signer leaves it, signed with a key that exists only in the test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cicd_templates.evidence.instructions import INSTRUCTIONS, instructions
from cicd_templates.functions import evidence_format as form

REPOSITORY = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop-tools-basket"
DOCUMENTS = {
    "evidence/verdict.json": b'{"verdict": "PASS"}',
    "evidence/sbom.cdx.json": b'{"bomFormat": "CycloneDX"}',
    "evidence/image-scan.json": b"[]",
    "reports/bandit.zip": b"PK\x05\x06" + bytes(18),
    form.SCAN_POLICY: b"version = 2\n",
    form.TEMPLATES_ARCHIVE: b"PK\x05\x06" + bytes(18) + b"\n",
}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Signer:
    """A signer with a key of its own."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key()
        subject = serialization.PublicFormat.SubjectPublicKeyInfo
        self.pem = public.public_bytes(serialization.Encoding.PEM, subject)
        self.der = public.public_bytes(serialization.Encoding.DER, subject)
        self.fingerprint = sha256(self.der)

    def sign(self, payload: bytes) -> bytes:
        signature = self._key.sign(form.signed_bytes(payload), ec.ECDSA(hashes.SHA256()))
        return form.envelope(payload, self.fingerprint, signature)

    def statement(self, predicate_type: str, predicate: Mapping[str, Any], *subject: dict[str, Any]) -> bytes:
        content = {
            "_type": form.STATEMENT_TYPE,
            "subject": list(subject),
            "predicateType": predicate_type,
            "predicate": predicate,
        }
        return self.sign(json.dumps(content).encode())


def descriptor(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": sha256(content)}}


def predicates(documents: Mapping[str, bytes], execution: str) -> dict[str, dict[str, Any]]:
    """The predicate of each statement but the release's."""
    received = [name for name in documents if name.startswith(("evidence/", "reports/"))]
    return {
        form.PROVENANCE: {
            "buildDefinition": {
                "resolvedDependencies": [descriptor("templates", documents[form.TEMPLATES_ARCHIVE])],
            },
            "runDetails": {"metadata": {"invocationId": execution}},
        },
        form.VERIFICATION_SUMMARY: {
            "policy": descriptor("policy", documents[form.SCAN_POLICY]),
            "inputAttestations": [descriptor("reports/bandit.zip", documents["reports/bandit.zip"])],
            "verificationResult": "PASSED",
        },
        form.RECEIVED: {"references": [descriptor(name, documents[name]) for name in received]},
    }


def write_evidence(
    folder: Path,
    signer: Signer,
    *,
    execution: str = "e-1",
    image: str = "1" * 64,
    documents: Mapping[str, bytes] = DOCUMENTS,
    changed: Mapping[str, Mapping[str, Any]] | None = None,
    about: Mapping[str, Any] | None = None,
) -> Path:
    """Write the evidence of one release. `changed` replaces predicates of its statements, by the name of the file.

    `about` are further members of the predicate of the release statement.
    """
    subject = {"name": REPOSITORY, "digest": {"sha256": image}}
    written = dict(documents)
    for name, predicate in (predicates(documents, execution) | dict(changed or {})).items():
        written[name] = signer.statement(form.PREDICATE_TYPES[name], predicate, subject)
    predicate = {"service": "basket", "execution": execution, **(about or {})}
    listed = [descriptor(name, content) for name, content in written.items()]
    written[form.RELEASE] = signer.statement(form.RELEASE_TYPE, predicate, subject, *listed)
    written[form.PUBLIC_KEY] = signer.pem
    written[INSTRUCTIONS] = instructions(f"{REPOSITORY}@sha256:{image}", signer.fingerprint).encode()
    for name, content in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder
