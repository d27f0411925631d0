"""Reads signed statements: in-toto Statements v1 in DSSE envelopes with one signature. The files may be hostile."""

from __future__ import annotations

import base64
import json
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined] # the library has no __all__

from cicd_templates.evidence.public_key import PublicKey
from cicd_templates.functions.evidence_format import canonical_json


class StatementError(ValueError):
    """Raised if a file is not a statement that the expected key has signed. The message completes a sentence about the
    file, such as `is not JSON`.
    """


class Subject(BaseModel):
    """A subject of a statement: the name of a file or image, and its digests, keyed by algorithm."""

    name: str
    digest: dict[str, str]


class Statement(BaseModel):
    """An in-toto statement. The meaning of `predicate` depends on `predicate_type`."""

    form: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: list[Subject] = Field(min_length=1)
    predicate_type: str = Field(alias="predicateType")
    predicate: dict[str, Any]


def digest_of(statement: Statement, name: str) -> str:
    """Return the SHA-256 that `statement` lists for its subject `name`, or an empty text if it lists none."""
    return {subject.name: subject.digest.get("sha256", "") for subject in statement.subject}.get(name, "")


class _Signature(BaseModel, extra="forbid"):
    keyid: str
    sig: str


class _SignedEnvelope(BaseModel, extra="forbid"):
    payload: str
    payload_type: Literal["application/vnd.in-toto+json"] = Field(alias="payloadType")
    signatures: list[_Signature] = Field(min_length=1, max_length=1)


def read_statement(content: bytes, key: PublicKey) -> Statement:
    """Return the statement in an envelope.

    Raises `StatementError` if `key` has not signed the statement, or if the envelope is not in canonical form. There is
    only one canonical form, so a change of any byte causes an error.
    """
    _require_envelope(content)
    verifier = SSlibKey.from_crypto(key.key, keyid=key.fingerprint)
    envelope = Envelope.from_dict(json.loads(content))
    try:
        envelope.verify([verifier], 1)
    except VerificationError as error:
        raise StatementError(f"is not signed by the key {key.fingerprint[:16]}") from error
    try:
        return Statement.model_validate_json(envelope.payload)
    except ValidationError as error:
        raise StatementError("is signed, but is not an in-toto statement") from error


def _require_envelope(content: bytes) -> None:
    try:
        envelope = _SignedEnvelope.model_validate_json(content)
        texts = (envelope.payload, envelope.signatures[0].sig)
        canonical = canonical_json(json.loads(content)) == content and all(
            base64.b64encode(base64.b64decode(text, validate=True)).decode() == text for text in texts
        )
    except (ValueError, RecursionError) as error:
        raise StatementError("is not a DSSE envelope with one signature over an in-toto statement") from error
    if not canonical:
        raise StatementError("is not in canonical form: sorted JSON without spaces, and plain Base64")
