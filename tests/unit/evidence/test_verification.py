"""Every change in a folder of evidence is found and names the file, with our command and with openssl."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from cicd_templates.cli import main
from cicd_templates.errors import ConfigurationError
from cicd_templates.evidence.additions import RELEASE_BEFORE, TEMPLATES_BEFORE, approval_name
from cicd_templates.evidence.derived_files import DIFFERENCE, PAGE
from cicd_templates.evidence.instructions import INSTRUCTIONS
from cicd_templates.evidence.public_key import LONGEST_KEY_FILE
from cicd_templates.evidence.verification import verify_folder
from cicd_templates.functions import evidence_format as form
from tests.fakes.signed_evidence import (
    DOCUMENTS,
    REPOSITORY,
    SOURCE,
    TESTS,
    Signer,
    descriptor,
    predicate_of_tests,
    predicates,
    sha256,
    templates,
    write_derived,
    write_evidence,
    write_whole_evidence,
)

# Nobody signs what follows from the other files, and the verification writes it anew.
MAY_BE_MISSING = (INSTRUCTIONS, PAGE, DIFFERENCE)
SIGNER, STRANGER = Signer(), Signer()
SUBJECT = {"name": REPOSITORY, "digest": {"sha256": "1" * 64}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_evidence(tmp_path / "evidence-of-a-release", SIGNER)


def typed(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["verify-evidence", *map(str, words)])


def problems(folder: Path, fingerprint: str = SIGNER.fingerprint) -> dict[str, str]:
    """Return the reasons by the name of the file."""
    reasons: dict[str, str] = {}
    for problem in verify_folder(folder, fingerprint).problems:
        reasons[problem.file] = "; ".join(filter(None, [reasons.get(problem.file, ""), problem.reason]))
    return reasons


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


KEYS = ["file", SIGNER.fingerprint, f"sha256:{SIGNER.fingerprint.upper()}", None]


@pytest.mark.parametrize("key", KEYS, ids=["file", "fingerprint", "with its algorithm", "none"])
def test_evidence_as_it_was_signed_is_verified(folder: Path, tmp_path: Path, key: str | None) -> None:
    (tmp_path / "signer.pem").write_bytes(SIGNER.pem)
    given = ["--key", str(tmp_path / "signer.pem") if key == "file" else key] if key else []
    result = typed(folder, *given)

    assert (result.exit_code, result.output.splitlines()[:6]) == (
        0,
        [
            f"{folder}: 9 files and every signature match the release statement",
            f"image: {REPOSITORY}@sha256:{'1' * 64}",
            "execution: e-1",
            "service: basket",
            "The release statement lists no environments, so nothing shows whether a statement about a deployment is"
            " missing.",
            f"signer: sha256:{SIGNER.fingerprint}",
        ],
    )
    assert ("The signer's key was taken from the folder," in result.output) == (key is None)


def test_it_needs_neither_an_environment_nor_a_home(folder: Path) -> None:
    command = [sys.executable, "-m", "cicd_templates", "verify-evidence", str(folder)]
    answer = subprocess.run(command, env={}, cwd=folder, capture_output=True, text=True, check=False)

    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize("name", [*DOCUMENTS, *form.PREDICATE_TYPES, form.RELEASE, form.PUBLIC_KEY, INSTRUCTIONS])
def test_every_file_fails_by_its_name_if_it_is_changed(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    for position in {0, len(content) // 2, len(content) - 1}:
        changed = bytearray(content)
        changed[position] ^= 1
        (folder / name).write_bytes(changed)
        assert name in problems(folder), position
    (folder / name).write_bytes(content + b"\n")
    assert name in problems(folder)


@pytest.mark.parametrize("name", [*DOCUMENTS, *form.PREDICATE_TYPES, form.RELEASE, form.PUBLIC_KEY])
def test_every_signed_file_and_the_key_fail_by_their_name_if_they_are_missing(folder: Path, name: str) -> None:
    (folder / name).unlink()
    result = typed(folder)

    assert (problems(folder)[name], result.exit_code) == ("is missing", 1)
    assert f"{name}: is missing" in result.output.splitlines()


def test_evidence_without_instructions_is_verified_because_nobody_signs_them(folder: Path) -> None:
    (folder / INSTRUCTIONS).unlink()
    result = typed(folder, "--key", SIGNER.fingerprint)

    assert (result.exit_code, problems(folder)) == (0, {})
    assert f"{folder}: 9 files and every signature match the release statement" in result.output.splitlines()


def test_a_file_that_the_release_does_not_list_fails(folder: Path) -> None:
    (folder / "evidence/another.json").write_text("{}")
    (folder / "reports/link.zip").symlink_to("bandit.zip")
    (folder / "reports/outside").symlink_to("/")

    assert problems(folder) == {
        "evidence/another.json": "is not part of this release",
        "reports/link.zip": "is neither a file nor a folder",
        "reports/outside": "is neither a file nor a folder",
    }


def test_a_folder_signed_again_by_another_key_is_consistent_but_not_the_signers(folder: Path) -> None:
    write_evidence(folder, STRANGER)

    assert problems(folder, "") == {}
    assert list(problems(folder)) == [form.PUBLIC_KEY]
    assert typed(folder, "--key", SIGNER.fingerprint).exit_code == 1


@pytest.mark.parametrize("name", [*form.PREDICATE_TYPES, form.RELEASE])
def test_a_statement_of_another_release_or_key_fails_by_its_name(folder: Path, tmp_path: Path, name: str) -> None:
    another = write_evidence(tmp_path / "another", SIGNER, execution="e-2", image="2" * 64)
    (folder / name).write_bytes((another / name).read_bytes())

    expected = "belongs to another release" if name == form.RELEASE else "is about another image"
    assert expected in problems(folder)[name]
    payload = base64.b64decode(json.loads((folder / name).read_bytes())["payload"])
    (folder / name).write_bytes(STRANGER.sign(payload))
    assert problems(folder)[name].endswith(f"is not signed by the key {SIGNER.fingerprint[:16]}")


@pytest.mark.parametrize(
    ("name", "predicate", "reason"),
    [
        pytest.param(
            form.VERIFICATION_SUMMARY,
            {"policy": descriptor("policy", b"version = 1\n"), "verificationResult": "PASSED", "inputAttestations": []},
            "was made with a policy that differs from scan-policy.toml",
            id="an older policy",
        ),
        pytest.param(
            form.VERIFICATION_SUMMARY,
            {"policy": "none", "verificationResult": "PASSED", "inputAttestations": []},
            "was made with a policy that differs from scan-policy.toml",
            id="no policy",
        ),
        pytest.param(
            form.VERIFICATION_SUMMARY,
            predicates(DOCUMENTS, "e-1")[form.VERIFICATION_SUMMARY] | {"verificationResult": "FAILED"},
            "does not say that the gate let this release pass",
            id="a release that failed",
        ),
        pytest.param(
            form.VERIFICATION_SUMMARY,
            predicates(DOCUMENTS, "e-1")[form.VERIFICATION_SUMMARY] | {"inputAttestations": None},
            "lists input attestations that are not part of this release",
            id="no inputs",
        ),
        pytest.param(
            form.PROVENANCE,
            predicates(DOCUMENTS, "e-0")[form.PROVENANCE],
            "is about another execution of the pipeline",
            id="another execution",
        ),
        pytest.param(
            form.PROVENANCE,
            predicates(DOCUMENTS | {form.TEMPLATES_ARCHIVE: b""}, "e-1")[form.PROVENANCE],
            "is about templates that differ from those in templates.zip",
            id="other templates",
        ),
        pytest.param(
            form.RECEIVED,
            {"references": [descriptor("evidence/verdict.json", b"{}")]},
            "lists documents that are not part of this release",
            id="other documents",
        ),
    ],
)
def test_a_statement_that_the_signer_made_for_something_else_fails(
    tmp_path: Path, name: str, predicate: dict[str, object], reason: str
) -> None:
    folder = write_evidence(tmp_path / "mixed", SIGNER, changed={name: predicate})

    assert problems(folder) == {name: reason}


def test_a_statement_of_another_type_fails(folder: Path) -> None:
    another = SIGNER.statement("https://example.com/other", {}, SUBJECT)
    (folder / form.RECEIVED).write_bytes(another)
    (folder / form.PROVENANCE).write_bytes(SIGNER.sign(b"[]"))

    assert "is a statement of type https://example.com/other instead of" in problems(folder)[form.RECEIVED]
    assert problems(folder)[form.PROVENANCE].endswith("is signed, but is not an in-toto statement")


@pytest.mark.parametrize(
    ("predicate", "subjects", "reason"),
    [
        ({}, [SUBJECT], "does not describe a release"),
        ({"service": "basket"}, [SUBJECT, SUBJECT, SUBJECT], "does not describe a release"),
        ({"service": "basket"}, [SUBJECT], f"does not list {form.PROVENANCE}"),
    ],
    ids=["no service", "one file twice", "no statements"],
)
def test_a_signed_release_without_its_parts_fails(
    folder: Path, predicate: dict[str, str], subjects: list[dict[str, object]], reason: str
) -> None:
    (folder / form.RELEASE).write_bytes(SIGNER.statement(form.RELEASE_TYPE, predicate, *subjects))

    reasons = [problem.reason for problem in verify_folder(folder).problems if problem.file == form.RELEASE]
    assert reason in reasons


def reencoded(content: bytes, edit: Callable[[dict[str, object]], object]) -> bytes:
    envelope = json.loads(content)
    edit(envelope)
    return form.canonical_json(envelope)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: b"[" * 100_000, id="deep"),
        pytest.param(lambda content: json.dumps(json.loads(content)).encode(), id="spaces"),
        pytest.param(lambda content: reencoded(content, lambda e: e.update(payload="*")), id="no base64"),
        pytest.param(lambda content: reencoded(content, lambda e: e.update(payload="aB==")), id="loose base64"),
        pytest.param(lambda content: reencoded(content, lambda e: e.update(signatures=[])), id="no signature"),
        pytest.param(lambda content: reencoded(content, lambda e: e.update(more=1)), id="another member"),
        pytest.param(lambda content: reencoded(content, lambda e: e.update(payloadType="text")), id="another type"),
        pytest.param(lambda content: content.replace(b'"keyid":"', b'"keyid":"0'), id="another key's id"),
        pytest.param(lambda content: reencoded(content, lambda e: e.update(payload="\ud800")), id="surrogate"),
    ],
)
def test_a_damaged_envelope_is_refused(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    path = folder / form.RELEASE
    path.write_bytes(damage(path.read_bytes()))

    assert list(problems(folder)) == [form.RELEASE]


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    subject = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, subject)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"none", "is not a public key in PEM format"),
        (pem(ed25519.Ed25519PrivateKey.generate()), "is not an ECDSA key on the curve P-256"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "is not an ECDSA key on the curve P-256"),
        (b"a comment\n" + SIGNER.pem, "has other text beside the public key"),
    ],
    ids=["text", "Ed25519", "P-384", "a comment"],
)
def test_another_public_key_is_refused_in_the_folder_and_as_an_option(
    folder: Path, tmp_path: Path, content: bytes, reason: str
) -> None:
    (folder / form.PUBLIC_KEY).write_bytes(content)
    (tmp_path / "key").write_bytes(content)
    result = typed(folder, "--key", tmp_path / "key")

    assert problems(folder) == {form.PUBLIC_KEY: reason}
    assert (result.exit_code, f"the key {tmp_path / 'key'} {reason}" in result.output) == (2, True)


def test_a_wrong_call_is_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_bytes(SIGNER.pem.ljust(LONGEST_KEY_FILE + 1))
    cases: dict[tuple[str, ...], str] = {
        (): "verify which evidence? Name its folder as an argument",
        ("",): "verify which evidence? Name its folder as an argument",
        (str(tmp_path / "nowhere"),): "is not a folder; give the path of a folder with the evidence of one release",
        (str(folder / form.PUBLIC_KEY),): "is not a folder; give the path of a folder with the evidence of one release",
        (
            shutil.make_archive(str(tmp_path / "zip"), "zip", folder),
        ): "is not a folder; unpack the zip file, then give the path of",
        (str(tmp_path / "empty"),): "is not a folder of evidence, because it has no release.dsse.json",
        (str(folder), "--key", ""): "the key is empty; pass a PEM file or a fingerprint of 64 hexadecimal digits",
        (str(folder), "--key", " "): "the key is empty; pass a PEM file or a fingerprint of 64 hexadecimal digits",
        (str(folder), "--key", "0"): "the key 0 is neither a readable PEM file nor a fingerprint",
        (str(folder), "--key", "\0"): "is neither a readable PEM file nor a fingerprint",
        **{
            (str(folder), "--key", str(path)): f"the key {path} is not an ordinary file; use the signer's public key"
            for path in (Path("/dev/zero"), tmp_path / "pipe", tmp_path / "empty")
        },
        (str(folder), "--key", str(tmp_path / "long")): f"the key {tmp_path / 'long'} has more than 64 KB; use the",
    }
    for words, message in cases.items():
        result = typed(*words)
        assert (result.exit_code, message in result.output, result.output.count("\n")) == (2, True, 1), words
    (tmp_path / "long").write_bytes(SIGNER.pem.ljust(LONGEST_KEY_FILE))
    assert typed(str(folder), "--key", str(tmp_path / "long")).exit_code == 0


def test_an_empty_variable_does_not_accept_every_key(folder: Path) -> None:
    write_evidence(folder, STRANGER)
    result = CliRunner().invoke(main, ["verify-evidence", str(folder)], env={"CICD_TEMPLATES_KEY": ""})

    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "the key is empty; pass a PEM file or a fingerprint of 64 hexadecimal digits" in result.output


def test_a_subfolder_that_cannot_be_listed_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)

    with pytest.raises(PermissionError):
        verify_folder(folder)


def test_a_hostile_name_is_shown_escaped(folder: Path) -> None:
    (folder / "a\x1b[31m\nb").write_text("")

    assert r"a\x1b[31m b: is not part of this release" in typed(folder).output


def test_additions_and_what_follows_from_all_files_are_verified(tmp_path: Path) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    result = typed(folder, "--key", SIGNER.fingerprint)

    assert (result.exit_code, len(names(folder))) == (0, 33)
    assert "in no signed statement" not in result.output


def test_an_added_record_of_an_approval_is_in_no_signed_statement(tmp_path: Path) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    content = form.canonical_json({"environment": "production", "execution": "e-2", "changeSets": [{"stack": "x"}]})
    name = approval_name("production", sha256(content))
    (folder / name).parent.mkdir()
    (folder / name).write_bytes(content)
    write_derived(folder)
    result = typed(folder, "--key", SIGNER.fingerprint)

    compare = "compare its digest with the digest in the request for approval"
    assert [line for line in result.output.splitlines() if compare in line] == [
        f"{name} is in no signed statement; {compare}"
    ]
    unsigned = "Approval records: 2. Approval records in no signed statement: 1."
    assert unsigned in (folder / PAGE).read_text()


@pytest.mark.no_cover
def test_every_file_of_a_whole_folder_fails_by_its_name_if_it_is_changed(tmp_path: Path) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    for name in names(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content + b" ")
        assert name in problems(folder)
        (folder / name).write_bytes(content)
    assert problems(folder) == {}


@pytest.mark.parametrize(
    ("record", "reasons"),
    [
        ({"environment": "production", "execution": "e-1"}, ["is about another environment or execution"]),
        ({"environment": "staging", "execution": "e-2"}, ["is about another environment or execution"]),
        ([], ["is about another environment or execution"]),
        ({"environment": "production", "execution": "e-2", "page": []}, []),
    ],
    ids=["another execution", "another environment", "a list", "no page"],
)
def test_a_record_belongs_to_the_release_and_names_its_page(tmp_path: Path, record: object, reasons: list[str]) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    content = form.canonical_json(record)
    name = approval_name("production", sha256(content))
    page = approval_name("production", sha256(content), "page.html")
    (folder / name).parent.mkdir()
    (folder / name).write_bytes(content)
    (folder / page).write_text("a page")
    write_derived(folder)

    assert problems(folder) == dict.fromkeys([name] * len(reasons), "".join(reasons)) | {
        page: "is not the page that the change-sets.json in the same folder lists"
    }


@pytest.mark.parametrize("page", ["page.html", "page.json"])
def test_a_page_that_a_record_names_must_be_there(tmp_path: Path, page: str) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    (missing,) = [name for name in names(folder) if name.endswith(f"/{page}")]
    (folder / missing).unlink()

    assert problems(folder)[missing] == "is missing"


def test_a_page_without_a_record_fails(tmp_path: Path) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    (record,) = [name for name in names(folder) if "change-sets" in name]
    (folder / record).write_text("{")
    assert problems(folder)[record].startswith("was changed: ")
    (folder / record).unlink()

    assert {f"{Path(record).parent}/page.html", f"{Path(record).parent}/page.json"} <= problems(folder).keys()


def test_what_follows_from_other_files_may_be_missing(tmp_path: Path) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    for name in MAY_BE_MISSING:
        (folder / name).unlink()

    assert problems(folder) == {}


def test_a_file_among_the_bundles_that_is_no_bundle_of_a_statement_fails(tmp_path: Path) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    (folder / "bundles/other.sigstore.json").write_bytes((folder / "bundles/provenance.sigstore.json").read_bytes())

    assert problems(folder) == {
        "bundles/other.sigstore.json": "differs from what this version of cicd-templates writes for this release"
    }


def test_a_difference_without_the_release_before_fails(folder: Path) -> None:
    (folder / DIFFERENCE).write_text("+ more")

    assert problems(folder) == {DIFFERENCE: "differs from what this version of cicd-templates writes for this release"}


def test_unsigned_files_of_another_version_are_explained_unless_there_is_another_problem(folder: Path) -> None:
    (folder / INSTRUCTIONS).write_text("older words")
    result = typed(folder)

    assert result.exit_code == 1
    assert result.output.splitlines()[1] == (
        "These files are not signed. If another version of cicd-templates wrote them, copy the folder, delete these"
        " files in the copy, and verify the copy."
    )
    (folder / "more").write_text("")
    assert "another version" not in typed(folder).output


OTHER_SOURCE = descriptor("source", b"another source")


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        (
            SIGNER.statement(form.TEST_RESULT_TYPE, predicate_of_tests(DOCUMENTS), OTHER_SOURCE),
            "is about a source that differs from the one in",
        ),
        (
            SIGNER.statement(form.TEST_RESULT_TYPE, predicate_of_tests(DOCUMENTS), SUBJECT),
            "is about a source that differs from the one in",
        ),
        (
            SIGNER.statement(
                form.TEST_RESULT_TYPE, predicate_of_tests(DOCUMENTS, report=descriptor("r", b"x")), SOURCE
            ),
            "is about a report that is not part of this release",
        ),
        (
            SIGNER.statement(form.TEST_RESULT_TYPE, predicate_of_tests(DOCUMENTS, report=None), SOURCE),
            "is about a report that is not part of this release",
        ),
        (SIGNER.statement("urn:another", {}, SOURCE), "is a statement of type urn:another instead of"),
        (STRANGER.statement(form.TEST_RESULT_TYPE, predicate_of_tests(DOCUMENTS), SOURCE), "is not signed by the key"),
    ],
    ids=["another source", "the image", "another report", "no report", "another type", "another key"],
)
def test_tests_of_something_else_fail(tmp_path: Path, tests: bytes, reason: str) -> None:
    folder = write_evidence(tmp_path / "mixed", SIGNER, tests=tests)

    assert list(problems(folder)) == [TESTS]
    assert reason in problems(folder)[TESTS]


def test_tests_without_a_provenance_are_about_another_source(tmp_path: Path) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    (folder / form.PROVENANCE).unlink()

    assert problems(folder)[TESTS] == f"is about a source that differs from the one in {form.PROVENANCE}"


def release_before(signer: Signer = SIGNER, **about: str) -> bytes:
    known = {"service": "basket", "execution": "e-1", "signedOn": "2026-11-24T12:01:00+00:00"}
    archive = templates(staging__service="Size: 1\n", staging__old="b: 1\n")
    return signer.statement(form.RELEASE_TYPE, known | about, SUBJECT, descriptor(form.TEMPLATES_ARCHIVE, archive))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (release_before(STRANGER), f"is not signed by the key {SIGNER.fingerprint[:16]}"),
        (release_before(service="till"), "is not an earlier release of the same service"),
        (release_before(signedOn="2026-11-24T12:02:00+00:00"), "is not an earlier release of the same service"),
        (SIGNER.statement("urn:another", {}, SUBJECT), "does not list previous/templates.zip"),
    ],
    ids=["another key", "another service", "not earlier", "another type"],
)
def test_only_an_earlier_release_of_the_service_is_the_release_before(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    (folder / RELEASE_BEFORE).write_bytes(release_before())
    write_derived(folder)
    assert problems(folder) == {}

    (folder / RELEASE_BEFORE).write_bytes(content)
    assert reason in problems(folder)[RELEASE_BEFORE]


SCAN: dict[str, Any] = {"scanner": {"result": []}}


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        pytest.param(SIGNER.statement(form.VULNERABILITIES_TYPE, SCAN, SUBJECT), None, id="the registry's scan"),
        pytest.param(
            SIGNER.statement(form.VULNERABILITIES_TYPE, SCAN, {**SUBJECT, "digest": {"sha256": "2" * 64}}),
            "is about another image, not about the image of the release",
            id="another image",
        ),
        pytest.param(
            SIGNER.statement(form.TEST_RESULT_TYPE, SCAN, SUBJECT), "is a statement of type", id="another statement"
        ),
        pytest.param(
            STRANGER.statement(form.VULNERABILITIES_TYPE, SCAN, SUBJECT), "is not signed by", id="another key"
        ),
    ],
)
def test_the_statement_about_vulnerabilities_is_about_the_image_of_the_release(
    tmp_path: Path, statement: bytes, reason: str | None
) -> None:
    folder = write_evidence(tmp_path, SIGNER, vulnerabilities=statement)

    found = problems(folder)
    assert list(found) == ([form.VULNERABILITIES] if reason else []), found
    assert reason is None or reason in found[form.VULNERABILITIES]


@pytest.mark.parametrize("name", [RELEASE_BEFORE, TEMPLATES_BEFORE])
def test_half_of_the_release_before_fails(tmp_path: Path, name: str) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    (folder / name).unlink()

    (other,) = {RELEASE_BEFORE, TEMPLATES_BEFORE} - {name}
    assert problems(folder)[name] == "is missing"
    assert problems(folder)[other] == f"is of no use without {name}"


@pytest.mark.parametrize("name", [form.TEMPLATES_ARCHIVE, TEMPLATES_BEFORE, RELEASE_BEFORE])
def test_an_archive_is_opened_only_if_it_is_the_signed_one(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    (folder / "deployments").rename(tmp_path / "deployments")
    opened: list[Any] = []
    original = zipfile.ZipFile

    def spy(*arguments: Any, **options: Any) -> Any:
        opened.append(arguments[0].getvalue())
        return original(*arguments, **options)

    monkeypatch.setattr(zipfile, "ZipFile", spy)
    archives = {(folder / each).read_bytes() for each in (form.TEMPLATES_ARCHIVE, TEMPLATES_BEFORE)}
    verify_folder(folder)
    assert set(opened) == archives

    opened.clear()
    changed = (folder / name).read_bytes() + b"hostile"
    (folder / name).write_bytes(changed)
    found = problems(folder)
    assert opened == []
    assert name in found
    assert found["templates.diff"] == "differs from what this version of cicd-templates writes for this release"


def test_openssl_verifies_every_statement(folder: Path, tmp_path: Path) -> None:
    for name in [*form.PREDICATE_TYPES, form.RELEASE]:
        content = json.loads((folder / name).read_bytes())
        payload = base64.b64decode(content["payload"])
        (tmp_path / "signed").write_bytes(b"DSSEv1 28 application/vnd.in-toto+json %d " % len(payload) + payload)
        (tmp_path / "signature").write_bytes(base64.b64decode(content["signatures"][0]["sig"]))
        command = ["openssl", "dgst", "-sha256", "-verify", str(folder / form.PUBLIC_KEY), "-signature"]
        for signed, code in (("signed", 0), ("signature", 1)):
            answer = subprocess.run(
                [*command, str(tmp_path / "signature"), str(tmp_path / signed)], capture_output=True, check=False
            )
            assert answer.returncode == code, answer


@pytest.mark.skipif(shutil.which("jq") is None, reason="VERIFY.md uses jq")
@pytest.mark.parametrize("write", [write_evidence, write_whole_evidence])
def test_the_commands_of_the_instructions_verify_the_evidence(
    tmp_path: Path, write: Callable[[Path, Signer], Path]
) -> None:
    folder = write(tmp_path / "evidence", SIGNER)
    fingerprint, ours, one, others, deployed = commands(folder)
    answer = run(folder, f"{fingerprint}{ours.replace('python', sys.executable)}{one}{others}{deployed}")

    assert (answer.returncode, answer.stderr) == (0, "")
    # The commands leave no file in the folder, so it can be verified again.
    assert problems(folder) == {}
    assert answer.stdout.startswith(f"{SIGNER.fingerprint} ")
    assert "Verified OK\n" in answer.stdout
    assert answer.stdout.count("Verified OK\n") == 1 + len(deployments(folder))
    assert answer.stdout.count('"approval": null') == max(0, len(deployments(folder)) - 1)
    assert ('"approvedBy": "arn:aws:iam::1:user/ada"' in answer.stdout) == bool(deployments(folder))


def sign_by_a_stranger(folder: Path, name: str) -> None:
    payload = base64.b64decode(json.loads((folder / name).read_bytes())["payload"])
    (folder / name).write_bytes(STRANGER.sign(payload))


def store_under_another_name(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / form.name_of_deployment("staging", 1)).read_bytes())


def change_an_earlier_statement(folder: Path, name: str) -> None:
    # JSON may end in a space. The signature of the earlier statement itself stays valid.
    earlier = folder / form.name_of_deployment("staging", 1)
    earlier.write_bytes(earlier.read_bytes() + b" ")


def change_the_release(folder: Path, name: str) -> None:
    (folder / form.RELEASE).write_bytes((folder / form.RELEASE).read_bytes() + b" ")


@pytest.mark.skipif(shutil.which("jq") is None, reason="VERIFY.md uses jq")
@pytest.mark.parametrize(
    "change", [sign_by_a_stranger, store_under_another_name, change_an_earlier_statement, change_the_release]
)
def test_the_commands_of_the_instructions_find_a_changed_deployment(
    tmp_path: Path, change: Callable[[Path, str], None]
) -> None:
    folder = write_whole_evidence(tmp_path / "evidence", SIGNER)
    production = form.name_of_deployment("production", 1)
    *_, one, _, deployed = commands(folder)
    change(folder, production)
    answer = run(folder, one + deployed)

    assert (answer.returncode, f"{production}: not verified\n" in answer.stdout) == (1, True)


def commands(folder: Path) -> list[str]:
    """Return the commands in the instructions of a folder."""
    return [block.split("```")[0] for block in (folder / INSTRUCTIONS).read_text().split("```sh\n")[1:]]


def run(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", f"set -eu\n{script}"], cwd=folder, capture_output=True, text=True, check=False)


def deployments(folder: Path) -> list[str]:
    return [name for name in names(folder) if name.startswith("deployments/")]


Tampering = Callable[[random.Random, Path, Path], str]


def change_a_byte(chance: random.Random, folder: Path, _: Path) -> str:
    name = chance.choice([name for name in names(folder) if (folder / name).stat().st_size])
    content = bytearray((folder / name).read_bytes())
    content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
    (folder / name).write_bytes(content)
    return name


def cut(chance: random.Random, folder: Path, _: Path) -> str:
    name = chance.choice(names(folder))
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: chance.randrange(len(content))])
    return name


def take_from_another_release(chance: random.Random, folder: Path, another: Path) -> str:
    both = sorted({*names(folder)} & {*names(another)} - {form.PUBLIC_KEY})
    name = chance.choice([name for name in both if (folder / name).read_bytes() != (another / name).read_bytes()])
    (folder / name).write_bytes((another / name).read_bytes())
    return name


def remove(chance: random.Random, folder: Path, _: Path) -> str:
    name = chance.choice(
        [
            name
            for name in names(folder)
            if name not in MAY_BE_MISSING and not name.startswith(("approvals/", "bundles/"))
        ]
    )
    (folder / name).unlink()
    return name


def add(chance: random.Random, folder: Path, another: Path) -> str:
    place = chance.choice(("evidence/", "reports/", "statements/", "deployments/staging/", ""))
    name = f"{place}{chance.randrange(10**6)}.json"
    (folder / name).write_bytes((another / chance.choice(names(another))).read_bytes())
    return name


def sign_one_again(chance: random.Random, folder: Path, _: Path) -> str:
    name = chance.choice([*form.PREDICATE_TYPES, form.VULNERABILITIES, form.RELEASE, *deployments(folder)])
    payload = base64.b64decode(json.loads((folder / name).read_bytes())["payload"])
    (folder / name).write_bytes(STRANGER.sign(payload))
    return name


def sign_all_again(chance: random.Random, folder: Path, _: Path) -> str:
    write_evidence(folder, STRANGER, documents=DOCUMENTS | {form.SCAN_POLICY: chance.randbytes(8)})
    return form.PUBLIC_KEY


def remove_the_last_statement(chance: random.Random, folder: Path, _: Path) -> str:
    """Remove all that the last statement about a deployment has left, and write the page and the bundles anew."""
    name = deployments(folder)[0]
    (folder / name).unlink()
    shutil.rmtree(folder / "bundles")
    if chance.random() < 0.5:
        shutil.rmtree(folder / "approvals")
    if chance.random() < 0.5:
        (folder / deployments(folder)[0]).unlink()
        shutil.rmtree(folder / "deployments")
    write_derived(folder)
    return name


def exchange(chance: random.Random, folder: Path, _: Path) -> str:
    first, second = chance.sample([name for name in names(folder) if name not in (form.RELEASE, form.PUBLIC_KEY)], 2)
    contents = [(folder / name).read_bytes() for name in (first, second)]
    (folder / second).write_bytes(contents[0])
    (folder / first).write_bytes(contents[1])
    return first


def use_an_older_policy(chance: random.Random, folder: Path, another: Path) -> str:
    name = chance.choice((form.SCAN_POLICY, form.VERIFICATION_SUMMARY))
    (folder / name).write_bytes((another / name).read_bytes())
    return name


TAMPERINGS: list[Tampering] = [
    change_a_byte, cut, take_from_another_release, remove, add, sign_one_again, sign_all_again, exchange,
    use_an_older_policy, remove_the_last_statement,
]  # fmt: skip


@pytest.mark.no_cover
@pytest.mark.parametrize("number", [30, pytest.param(1000, marks=pytest.mark.long)])
def test_no_seeded_tampering_escapes(tmp_path: Path, number: int) -> None:
    another = write_whole_evidence(tmp_path / "another", SIGNER, 3, image="2" * 64)
    intact = write_whole_evidence(tmp_path / "intact", SIGNER)
    for seed in range(number):
        chance = random.Random(seed)  # noqa: S311 - tests repeat with the same seed
        folder = tmp_path / "changed"
        shutil.copytree(intact, folder)
        name = TAMPERINGS[seed % len(TAMPERINGS)](chance, folder, another)
        assert name in problems(folder), (seed, name)
        shutil.rmtree(folder)
    assert problems(intact) == {}


def test_a_folder_that_is_not_there_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        verify_folder(tmp_path / "nowhere")
