"""Reads the public key that verifies evidence: an ECDSA key on the curve P-256, in PEM format."""

from __future__ import annotations

import hashlib
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cicd_templates.errors import ConfigurationError

# No PEM file of a public key has more bytes than this.
LONGEST_KEY_FILE = 64 * 1024
_FINGERPRINT = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE)


class KeyFormatError(ValueError):
    """Raised if a file does not contain exactly one public key of the expected kind. The message says what is wrong."""


@dataclass(frozen=True)
class PublicKey:
    """A public key. `pem` is its canonical PEM text. `fingerprint` is the SHA-256 of its SubjectPublicKeyInfo."""

    key: ec.EllipticCurvePublicKey
    pem: bytes
    fingerprint: str


def read_public_key(pem: bytes) -> PublicKey:
    """Return the key in `pem`.

    Raises `KeyFormatError` if `pem` is not an ECDSA key on P-256, or if it contains text before or after the key. PEM
    readers ignore text outside the key, so nobody would notice if the text was changed.
    """
    try:
        key = serialization.load_pem_public_key(pem)
    except Exception as error:
        # The library documents ValueError and UnsupportedAlgorithm; hostile bytes must not end in a traceback.
        raise KeyFormatError("is not a public key in PEM format") from error
    found = _public_key(key)
    if found.pem.strip() != pem.replace(b"\r\n", b"\n").strip():
        raise KeyFormatError("has other text beside the public key")
    return found


def read_der_public_key(der: bytes) -> PublicKey:
    """Return the key in `der`, the binary format in which KMS returns public keys.

    Raises `KeyFormatError` if `der` is not an ECDSA key on P-256.
    """
    return _public_key(serialization.load_der_public_key(der))


def _public_key(key: object) -> PublicKey:
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyFormatError("is not an ECDSA key on the curve P-256")
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    canonical = key.public_bytes(serialization.Encoding.PEM, form)
    return PublicKey(key, canonical, hashlib.sha256(key.public_bytes(serialization.Encoding.DER, form)).hexdigest())


def expected_fingerprint(key: str) -> str:
    """Return a key's fingerprint. `key` is the path of the key's PEM file, or the fingerprint itself in hexadecimal.

    Raises `ConfigurationError` for any other `key`, also for an empty one.
    """
    if not key.strip():
        raise ConfigurationError("the key is empty; pass a PEM file or a fingerprint of 64 hexadecimal digits")
    if match := _FINGERPRINT.fullmatch(key.strip()):
        return match[1].lower()
    try:
        return read_public_key(_key_file(Path(key))).fingerprint
    except KeyFormatError as error:
        raise ConfigurationError(f"the key {key} {error}; use the signer's public key or its fingerprint") from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the key {key} is neither a readable PEM file nor a fingerprint of 64 hexadecimal digits"
        ) from error


def _key_file(path: Path) -> bytes:
    """Return the content of the file `path`. Raises `KeyFormatError` if `path` is a special file or is too long."""
    # Nobody may ever write to a named pipe, and some devices never end.
    if not stat.S_ISREG(path.stat().st_mode):
        raise KeyFormatError("is not an ordinary file")
    with path.open("rb") as stream:
        content = stream.read(LONGEST_KEY_FILE + 1)
    if len(content) > LONGEST_KEY_FILE:
        raise KeyFormatError(f"has more than {LONGEST_KEY_FILE // 1024} KB")
    return content
