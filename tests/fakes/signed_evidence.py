"""Writes a folder of evidence as the pipeline's signer writes it, signed with a key that exists only in the test."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cicd_templates.evidence.additions import RELEASE_BEFORE, TEMPLATES_BEFORE, approval_name
from cicd_templates.evidence.derived_files import derived_files
from cicd_templates.evidence.folder import read_folder
from cicd_templates.evidence.instructions import INSTRUCTIONS, instructions
from cicd_templates.evidence.public_key import read_public_key
from cicd_templates.evidence.statements import read_statement
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


APPROVED_PAGE = b"<!doctype html><title>Plan</title>"
SOURCE = descriptor("source", b"the source")
TESTS = form.name_of_test_result("unit-tests")


def predicate_of_tests(documents: Mapping[str, bytes], **changed: Any) -> dict[str, Any]:
    """Return the predicate of a statement about tests."""
    report = descriptor("reports/bandit.zip", documents["reports/bandit.zip"])
    tests = {"passedTests": ["b.adds", "b.removes"], "warnedTests": [], "failedTests": []}
    return {"result": "PASSED", "configuration": [], **tests, "report": report, **changed}


def predicates(documents: Mapping[str, bytes], execution: str) -> dict[str, dict[str, Any]]:
    """Return the predicate of each statement except the release statement."""
    received = [name for name in documents if name.startswith(("evidence/", "reports/"))]
    return {
        form.PROVENANCE: {
            "buildDefinition": {
                "resolvedDependencies": [SOURCE, descriptor("templates", documents[form.TEMPLATES_ARCHIVE])],
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
    tests: bytes = b"",
    vulnerabilities: bytes = b"",
) -> Path:
    """Write the evidence of one release. `changed` replaces predicates of its statements, by the name of the file.

    `about` are further members of the predicate of the release statement. `tests` is the statement about tests, and
    `vulnerabilities` the one about the image.
    """
    subject = {"name": REPOSITORY, "digest": {"sha256": image}}
    written = dict(documents)
    for name, predicate in (predicates(documents, execution) | dict(changed or {})).items():
        written[name] = signer.statement(form.PREDICATE_TYPES[name], predicate, subject)
    if tests:
        written[TESTS] = tests
    if vulnerabilities:
        written[form.VULNERABILITIES] = vulnerabilities
    predicate = {"service": "basket", "execution": execution, **(about or {})}
    listed = [descriptor(name, content) for name, content in written.items()]
    written[form.RELEASE] = signer.statement(form.RELEASE_TYPE, predicate, subject, *listed)
    written[form.PUBLIC_KEY] = signer.pem
    written[INSTRUCTIONS] = instructions(f"{REPOSITORY}@sha256:{image}", signer.fingerprint).encode()
    for name, content in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def templates(**files: str) -> bytes:
    """Return an archive of templates. The underscores in their names stand for folders."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(f"{name.replace('__', '/')}.yaml"), content)
    return target.getvalue()


POLICY = b"""\
version = 2
unfixed = { severity = "critical", reason = "no fix <b>yet</b>", owner = "grace", expires = 2026-12-31 }

[[waivers]]
id = "B602"
path = "src/"
reason = "the shell is ours"
owner = "ada"
expires = 2026-11-30

[[waivers]]
id = "B101"
path = "tests/"
reason = "it has ended"
owner = "bob"
expires = 2026-11-23
"""
VERDICT = {"verdict": "PASS", "counts": {"critical": 0, "high": 1, "low": 2}, "waived": 1}


def deployment(
    folder: Path,
    signer: Signer,
    environment: str,
    number: int = 1,
    *,
    migration: bool = False,
    subject: list[dict[str, Any]] | None = None,
    predicate_type: str = form.DEPLOYMENT_TYPE,
    **changed: Any,
) -> str:
    """Write a statement about a deployment of the release in `folder`, and return the name of its file.

    `changed` replaces members of its predicate.
    """
    release = (folder / form.RELEASE).read_bytes()
    statement = read_statement(release, read_public_key((folder / form.PUBLIC_KEY).read_bytes()))
    name = form.name_of_deployment(environment, number, migration=migration)
    begin = f"arn:aws:ecs:eu-central-1:1:task-definition/{environment}"
    stacks = changed.pop("stacks", None)
    if stacks is None:
        archive = zipfile.ZipFile(io.BytesIO((folder / form.TEMPLATES_ARCHIVE).read_bytes()))
        stack = {
            "changeSet": f"arn:aws:cloudformation:eu-central-1:1:changeSet/release/{environment}",
            "taskDefinitions": [f"{begin}:7"],
            "template": descriptor("staging/service.yaml", archive.read("staging/service.yaml")),
        }
        stacks = [stack]
    paths = [path.relative_to(folder).as_posix() for path in (folder / "deployments").rglob("*.json")]
    stored = sorted(path for path in paths if path != name)
    predicate = {
        "file": name,
        "environment": environment,
        "service": "basket",
        "execution": statement.predicate["execution"],
        "stacks": stacks,
        "ended": f"2026-11-24T13:0{number}:00+00:00",
        "alarms": [{"name": "errors", "state": "OK", "changes": []}],
        "earlier": [descriptor(each, (folder / each).read_bytes()) for each in stored],
    }
    content = signer.statement(
        predicate_type,
        predicate | changed,
        *(subject or [statement.subject[0].model_dump(), descriptor(form.RELEASE, release)]),
    )
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return name


def write_whole_evidence(folder: Path, signer: Signer, number: int = 2, **options: Any) -> Path:
    """Write what `make evidence` writes: also the release before, a record of an approval, two deployments, and the
    derived files.
    """
    documents = DOCUMENTS | {
        "evidence/verdict.json": json.dumps(VERDICT | {"number": number}).encode(),
        form.SCAN_POLICY: POLICY + b"#" * number,
        form.TEMPLATES_ARCHIVE: templates(staging__service=f"Size: {number}\n", staging__new="a: <script>\n"),
    }
    about: dict[str, Any] = {"signedOn": f"2026-11-24T12:0{number}:00+00:00", "sourceVersion": f"v-{number}"}
    about["environments"] = ["staging", "production"]
    execution = options.pop("execution", f"e-{number}")
    options.setdefault("tests", signer.statement(form.TEST_RESULT_TYPE, predicate_of_tests(documents), SOURCE))
    image = {"name": REPOSITORY, "digest": {"sha256": options.get("image", "1" * 64)}}
    found = {"scanner": {"result": [{"id": f"CVE-{number}"}]}}
    options.setdefault("vulnerabilities", signer.statement(form.VULNERABILITIES_TYPE, found, image))
    write_evidence(folder, signer, execution=execution, documents=documents, about=about, **options)
    subject = {"name": REPOSITORY, "digest": {"sha256": "0" * 64}}
    before = templates(staging__service=f"Size: {number - 1}\n", staging__old="b: 1\n")
    about = {"service": "basket", "execution": f"e-{number - 1}", "signedOn": f"2026-11-24T12:0{number - 1}:00+00:00"}
    listed = descriptor(form.TEMPLATES_ARCHIVE, before)
    arn = f"arn:aws:cloudformation:eu-central-1:1:changeSet/release/{number}"
    record = {
        "environment": "production",
        "execution": execution,
        "changeSets": [{"stack": "s", "changeSetArn": arn}],
        "page": {"page.html": sha256(APPROVED_PAGE), "page.json": sha256(b"{}")},
    }
    content = form.canonical_json(record)
    digest = sha256(content)
    additions = {
        RELEASE_BEFORE: signer.statement(form.RELEASE_TYPE, about, subject, listed),
        TEMPLATES_BEFORE: before,
        approval_name("production", sha256(content)): content,
        approval_name("production", sha256(content), "page.html"): APPROVED_PAGE,
        approval_name("production", sha256(content), "page.json"): b"{}",
    }
    for name, content in additions.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    deployment(folder, signer, "staging", migration=True)
    deployment(folder, signer, "staging")
    approval = {"record": digest, "approvedBy": "arn:aws:iam::1:user/ada", "approvedOn": "2026-11-24T12:59:00+00:00"}
    deployment(folder, signer, "production", approval=approval)
    write_derived(folder)
    return folder


def write_derived(folder: Path) -> None:
    """Write the derived files of a folder anew."""
    key = read_public_key((folder / form.PUBLIC_KEY).read_bytes())
    release = read_statement((folder / form.RELEASE).read_bytes(), key)
    for name, content in derived_files(read_folder(folder), release, key).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
