"""Writes the statements of a release as Sigstore bundles, which cosign and other Sigstore verifiers can read.

A bundle contains the unchanged signed envelope and an id of the signer's key. It contains no certificate and no entry
of a transparency log. https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
"""

from __future__ import annotations

from cicd_templates.evidence.folder import FolderContents
from cicd_templates.evidence.public_key import PublicKey
from cicd_templates.functions.evidence_format import DEPLOYMENT, RELEASE, canonical_json

FOLDER = "bundles/"
MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_ENVELOPES, _ENDING = "statements/", ".dsse.json"


def bundle_name(statement: str) -> str:
    """Return the name of the bundle for a statement, such as `bundles/provenance.sigstore.json` for the provenance."""
    return f"{FOLDER}{statement.removeprefix(_ENVELOPES).removesuffix(_ENDING)}.sigstore.json"


def sigstore_bundles(contents: FolderContents, key: PublicKey) -> dict[str, bytes]:
    """Return a bundle for each statement of the release, keyed by the bundle's file name. Does not verify the
    statements.
    """
    # The members are in the order of canonical JSON, and an envelope is canonical JSON itself.
    end = canonical_json(
        {"mediaType": MEDIA_TYPE, "verificationMaterial": {"publicKey": {"hint": key.fingerprint}}}
    ).removeprefix(b"{")
    return {
        bundle_name(name): b'{"dsseEnvelope":' + contents.read(name) + b"," + end
        for name in sorted(contents.digests)
        if name == RELEASE or (name.startswith(_ENVELOPES) and name.endswith(_ENDING)) or DEPLOYMENT.fullmatch(name)
    }
