"""Defines the format of a release's evidence: names of files, types of statements, and the bytes that are signed.

A statement is an in-toto Statement v1 in a DSSE envelope. The release statement lists every other file with its
SHA-256.
https://github.com/in-toto/attestation/tree/main/spec/v1 and https://github.com/secure-systems-lab/dsse
"""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from typing import Any

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
RELEASE_TYPE = "urn:cicd-templates:release:1"
# The folder of the signed files, within the folder of an execution. After later attempts, its name ends with a number.
FOLDER = "signed"
# Below this folder of a service, the signer lists the folders with statements about each image, by its SHA-256.
DIGESTS = "digests"
RELEASE = "release.dsse.json"
PROVENANCE = "statements/provenance.dsse.json"
VERIFICATION_SUMMARY = "statements/verification-summary.dsse.json"
RECEIVED = "statements/received.dsse.json"
# The type of the predicate in each statement that the release statement must list.
PREDICATE_TYPES = {
    PROVENANCE: "https://slsa.dev/provenance/v1",
    VERIFICATION_SUMMARY: "https://slsa.dev/verification_summary/v1",
    RECEIVED: "https://in-toto.io/attestation/reference/v0.1",
}
# The statement about what the registry's scan found in the image. Releases that an older version of the signer has
# signed do not have this statement.
VULNERABILITIES = "statements/vulnerabilities.dsse.json"
VULNERABILITIES_TYPE = "https://in-toto.io/attestation/vulns/v0.2"
# Each test run has a statement of its own, below this prefix. A service can have none.
TEST_RESULTS = "statements/tests/"
TEST_RESULT_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
PUBLIC_KEY = "public-key.pem"
# The names of files that a folder of evidence can have. Builds choose some of these names.
FILE_NAME = re.compile(r"[A-Za-z0-9_][\w.-]{0,99}(/[A-Za-z0-9_][\w.-]{0,99})*", re.ASCII)
SCAN_POLICY = "scan-policy.toml"
TEMPLATES_ARCHIVE = "templates.zip"
# Each deployment of the release to an environment has a statement of its own. So has each migration that runs in a
# stage of its own. The release statement does not list these statements, because they are signed later.
DEPLOYMENT = re.compile(r"deployments/([a-z0-9-]+)/(migration-)?([1-9][0-9]*)\.dsse\.json")
DEPLOYMENT_TYPE = "urn:cicd-templates:deployment:1"


def moment(time: datetime) -> str:
    """Return a time as ISO 8601 text in UTC, without fractions of a second."""
    return time.astimezone(UTC).isoformat(timespec="seconds")


def list_of_digest(service: str, sha256: str) -> str:
    """Return the S3 key prefix of an image's index, which says which folders contain statements about the image.

    The index has one object for each folder. The object's key is the prefix, followed by the name of the folder, such
    as `<execution>/signed`.
    """
    return f"{service}/{DIGESTS}/{sha256}/"


def name_of_test_result(check: str) -> str:
    """Return the file name of the statement about the test results of the check named `check`."""
    return f"{TEST_RESULTS}{check}.dsse.json"


def name_of_deployment(environment: str, number: int, *, migration: bool = False) -> str:
    """Return the file name of the statement about a deployment, or about a migration that has a stage of its own.

    `number` counts the deployments in the environment, from 1. Migrations are counted separately, also from 1.
    """
    return f"deployments/{environment}/{'migration-' if migration else ''}{number}.dsse.json"


def canonical_json(value: Any) -> bytes:
    """Return JSON with sorted keys and without spaces, so that equal values have equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def signed_bytes(payload: bytes) -> bytes:
    """Return the bytes that are signed in DSSE: the pre-authentication encoding of the payload and its type."""
    return b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def envelope(payload: bytes, key_id: str, signature: bytes) -> bytes:
    """Return the DSSE envelope of a payload with one signature."""
    signed = {"keyid": key_id, "sig": base64.b64encode(signature).decode()}
    content = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [signed],
    }
    return canonical_json(content)
