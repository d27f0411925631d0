"""Writes the statements about a release, such as its provenance, its verification summary and the release statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cicd_templates.functions.evidence_format import (
    FILE_NAME,
    PREDICATE_TYPES,
    PROVENANCE,
    RECEIVED,
    RELEASE_TYPE,
    SCAN_POLICY,
    STATEMENT_TYPE,
    TEST_RESULT_TYPE,
    VERIFICATION_SUMMARY,
    VULNERABILITIES,
    VULNERABILITIES_TYPE,
    canonical_json,
    name_of_test_result,
)

BUILD_TYPE = "urn:cicd-templates:image:2"
POLICY_TYPE = "urn:cicd-templates:scan-policy:1"
# The name does not begin with SLSA_, which SLSA reserves for its levels. The gate verifies reports, but no level of
# SLSA.
VERIFIED_LEVEL = "CICD_TEMPLATES_SCAN_GATE"


@dataclass(frozen=True)
class Document:
    """A file that the signer read and hashed.

    `uri` is the address of one version of an S3 object. `origin` says who wrote the file.
    """

    name: str
    uri: str
    sha256: str
    origin: str = ""

    def descriptor(self) -> dict[str, Any]:
        """Return the document as an in-toto resource descriptor."""
        described: dict[str, Any] = {"name": self.name, "uri": self.uri, "digest": {"sha256": self.sha256}}
        return described | ({"annotations": {"origin": self.origin}} if self.origin else {})


@dataclass(frozen=True)
class CheckedTests:
    """The names of the tests in the report of a check."""

    check: str
    report: Document
    passed: list[str]
    failed: list[str]


@dataclass
class SignedRelease:
    """The facts about a release that the signer itself has verified. All times are in ISO 8601.

    - `repository` is the address of the image's repository, and `image` is the SHA-256 of the image.
    - `parameters` has the user parameters of the pipeline action that invokes the signer.
    - `environments` lists the environments in the order in which the pipeline deploys to them.
    - `base_images` lists image references with digests.
    - `vulnerabilities` is the predicate with the result of the registry's scan of the image.
    """

    service: str
    repository: str
    image: str
    pushed_at: str
    parameters: Mapping[str, str]
    builder: str
    gate: str
    signer: str
    build_specification: str
    source: Document
    templates: Document
    policy: Document
    judged_at: str
    environments: list[str] = field(default_factory=list)
    reports: list[Document] = field(default_factory=list)
    evidence: list[Document] = field(default_factory=list)
    base_images: list[str] = field(default_factory=list)
    tests: list[CheckedTests] = field(default_factory=list)
    vulnerabilities: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> dict[str, Any]:
        """The image in the form of a statement's subject."""
        return {"name": self.repository, "digest": {"sha256": self.image}}


def statement_payloads(release: SignedRelease) -> dict[str, bytes]:
    """Return all statements except the release statement, keyed by the names of their files."""
    predicates = {
        PROVENANCE: _provenance(release),
        VERIFICATION_SUMMARY: _verification_summary(release),
        RECEIVED: _received(release),
    }
    payloads = {
        name: statement_payload([release.subject], PREDICATE_TYPES[name], predicate)
        for name, predicate in predicates.items()
    }
    payloads[VULNERABILITIES] = statement_payload([release.subject], VULNERABILITIES_TYPE, release.vulnerabilities)
    # The tests ran on the source, before there was an image.
    source = {"name": release.source.uri, "digest": {"sha256": release.source.sha256}}
    for tests in release.tests:
        payloads[name_of_test_result(tests.check)] = statement_payload(
            [source], TEST_RESULT_TYPE, _test_result(release, tests)
        )
    return payloads


def release_payload(release: SignedRelease, statements: Mapping[str, str], signed_at: str) -> bytes:
    """Return the payload of the release statement, which lists all files of a release, each with its SHA-256.

    - `statements` maps the file names of all other statements of the release to their SHA-256.
    - The payload's key `locations` has the address and version of each file that is not in the statements' folder.

    Raises `ValueError` if a build has chosen an invalid file name.
    """
    documents = [*release.evidence, *release.reports, release.templates]
    files = {document.name: document.sha256 for document in documents} | dict(statements)
    files[SCAN_POLICY] = release.policy.sha256
    if invalid := [name for name in files if not FILE_NAME.fullmatch(name)]:
        raise ValueError(f"the evidence has {invalid[0]!r}, which is not a valid file name")
    predicate = {
        "service": release.service,
        "execution": release.parameters["execution"],
        "sourceVersion": release.parameters["sourceVersion"],
        "templatesVersion": release.parameters["templatesVersion"],
        "signedOn": signed_at,
        "environments": release.environments,
        "locations": {document.name: document.uri for document in documents},
    }
    listed = [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(files.items())]
    return statement_payload([release.subject, *listed], RELEASE_TYPE, predicate)


def statement_payload(subject: list[dict[str, Any]], predicate_type: str, predicate: Mapping[str, Any]) -> bytes:
    """Return the bytes of an in-toto statement, which are the payload of an envelope."""
    content = {
        "_type": STATEMENT_TYPE,
        "subject": subject,
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }
    return canonical_json(content)


def _provenance(release: SignedRelease) -> dict[str, Any]:
    """Return the predicate of https://slsa.dev/spec/v1.2/build-provenance."""
    parameters = release.parameters
    tree = {
        "name": "source-tree",
        "uri": "urn:cicd-templates:source-tree:1",
        "digest": {"sourceTree1": parameters["sourceDigest"]},
    }
    specification = {
        "name": "build-specification",
        "uri": release.builder,
        "digest": {"sha256": release.build_specification},
    }
    bases = [
        {"name": "base-image", "uri": f"oci://{image}", "digest": {"sha256": image.rpartition("@sha256:")[2]}}
        for image in release.base_images
    ]
    dependencies = [release.source.descriptor(), tree, release.templates.descriptor(), specification, *bases]
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"service": release.service, "sourceVersion": parameters["sourceVersion"]},
            "internalParameters": {"templatesVersion": parameters["templatesVersion"]},
            "resolvedDependencies": dependencies,
        },
        "runDetails": {
            "builder": {"id": release.builder},
            "metadata": {"invocationId": parameters["execution"], "finishedOn": release.pushed_at},
        },
    }


def _verification_summary(release: SignedRelease) -> dict[str, Any]:
    """Return the predicate of https://slsa.dev/spec/v1.2/verification_summary."""
    inputs = [{"uri": report.uri, "digest": {"sha256": report.sha256}} for report in release.reports]
    return {
        "verifier": {"id": release.gate},
        "timeVerified": release.judged_at,
        "resourceUri": f"{release.repository}@sha256:{release.image}",
        "policy": {"uri": POLICY_TYPE, "digest": {"sha256": release.policy.sha256}},
        "inputAttestations": inputs,
        "verificationResult": "PASSED",
        "verifiedLevels": [VERIFIED_LEVEL],
        "slsaVersion": "1.2",
    }


def _received(release: SignedRelease) -> dict[str, Any]:
    documents = [*release.reports, *release.evidence]
    return {"attester": {"id": release.signer}, "references": [document.descriptor() for document in documents]}


def _test_result(release: SignedRelease, tests: CheckedTests) -> dict[str, Any]:
    """Return the predicate of https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md.

    The key `configuration` names the archive of the templates, because the build specification of the tests is in one
    of these templates. The key `report`, which the format does not define, names the test report.
    """
    return {
        "result": "FAILED" if tests.failed else "PASSED",
        "configuration": [release.templates.descriptor()],
        "passedTests": tests.passed,
        "warnedTests": [],
        "failedTests": tests.failed,
        "report": tests.report.descriptor(),
    }
