"""The hook before the tasks of a release start: only an image with signed statements about its digest may run."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec

from cicd_templates.functions import evidence_format as form
from tests.fakes import unsigned_exceptions
from tests.fakes.deploying_ecs import FOLDER, HOOK, SIGNED, DeployingEcs
from tests.fakes.resigned_statements import Change
from tests.fakes.signing_account import DIGEST, ENVIRONMENT, REPOSITORY, SERVICE

OTHER = "9" * 64
UNSIGNED = f"{REPOSITORY}@sha256:{OTHER}"
LIST = f"{SERVICE}/digests/{DIGEST.removeprefix('sha256:')}/"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> DeployingEcs:
    made = DeployingEcs()
    monkeypatch.setattr(boto3, "client", made.client)
    with pytest.MonkeyPatch.context() as signing:
        for name, value in ENVIRONMENT.items():
            signing.setenv(name, value)
        made.sign_release()
    for name, value in HOOK.items():
        monkeypatch.setenv(name, value)
    return made


def problems(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the reasons in the last line of the log."""
    return "; ".join(json.loads(capsys.readouterr().out.splitlines()[-1])["problems"])


def about_another_digest(statement: dict[str, Any]) -> None:
    statement["subject"][0]["digest"] = {"sha256": OTHER}
    if "resourceUri" in statement["predicate"]:
        statement["predicate"]["resourceUri"] = UNSIGNED


def failed(statement: dict[str, Any]) -> None:
    statement["predicate"]["verificationResult"] = "FAILED"


def of_another_builder(statement: dict[str, Any]) -> None:
    statement["predicate"]["runDetails"]["builder"]["id"] = "me"


def unchanged(statement: dict[str, Any]) -> None:
    pass


ALL = (form.PROVENANCE, form.VERIFICATION_SUMMARY, form.RELEASE)


def test_a_signed_image_may_run_and_the_log_names_its_statements(
    account: DeployingEcs, capsys: pytest.CaptureFixture[str]
) -> None:
    assert account.ask_hook() == "SUCCEEDED"
    assert json.loads(capsys.readouterr().out.splitlines()[-2]) == {"image": SIGNED, "statements": FOLDER}


def test_the_signer_lists_the_statements_by_the_digest(account: DeployingEcs) -> None:
    listed = [(key, versions) for (bucket, key), versions in account.objects.items() if key.startswith(LIST)]

    assert listed == [(f"{LIST}e-1/signed", [("new", form.canonical_json({"statements": FOLDER}))])]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(dict.fromkeys(ALL, about_another_digest), f"are about {UNSIGNED}, not about", id="another digest"),
        pytest.param({form.PROVENANCE: about_another_digest}, "has subject [", id="a provenance of another digest"),
        pytest.param(
            {form.VERIFICATION_SUMMARY: failed},
            "has predicate.verificationResult 'FAILED' instead of 'PASSED'",
            id="a summary that says failed",
        ),
        pytest.param({form.PROVENANCE: of_another_builder}, "runDetails.builder.id 'me'", id="another builder"),
    ],
)
def test_other_statements_let_no_image_run(
    account: DeployingEcs, changes: dict[str, Change], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account.sign_again(changes)

    assert account.ask_hook() == "FAILED"
    assert expected in problems(capsys)


def test_an_image_without_statements_may_not_run(account: DeployingEcs, capsys: pytest.CaptureFixture[str]) -> None:
    account.images = [UNSIGNED]

    assert account.ask_hook() == "FAILED"
    expected = f"{UNSIGNED} is not signed: the signer has signed no statements about {UNSIGNED}"
    hint = "; an exception in `unsigned_images` of the service can allow an image until a date"
    assert problems(capsys) == f"{expected}{hint}"


def test_a_list_that_names_the_statements_of_another_image_helps_nobody(
    account: DeployingEcs, capsys: pytest.CaptureFixture[str]
) -> None:
    account.images = [UNSIGNED]
    account.put("evidence", f"{SERVICE}/digests/{OTHER}/e-1/signed", b"", "1")

    assert account.ask_hook() == "FAILED"
    assert f"the statements in {FOLDER} are about {SIGNED}, not about {UNSIGNED}" in problems(capsys)


@pytest.mark.parametrize("rest", ["", "e-1", "e-1/unsigned", "../other/e-1/signed", "e-1/signed/release.dsse.json"])
def test_a_listed_name_that_is_no_folder_of_the_service_helps_nobody(
    account: DeployingEcs, rest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    del account.objects["evidence", f"{LIST}e-1/signed"]
    account.put("evidence", f"{LIST}{rest}", b"", "1")

    assert account.ask_hook() == "FAILED"
    assert "is not a folder with signed statements of basket" in problems(capsys)


def test_statements_by_another_key_let_no_image_run(account: DeployingEcs, capsys: pytest.CaptureFixture[str]) -> None:
    account.sign_again(dict.fromkeys(ALL, unchanged), ec.generate_private_key(ec.SECP256R1()))

    assert account.ask_hook() == "FAILED"
    assert f"is not signed with {HOOK['SIGNING_KEY']}" in problems(capsys)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"KeyId": "arn:aws:kms:eu-central-1:999999999999:key/1"}, id="a key of another account"),
        pytest.param({"KeyId": "arn:aws:kms:eu-west-1:111122223333:key/1"}, id="a key in another region"),
        pytest.param({"KeyId": HOOK["SIGNING_KEY"]}, id="no key"),
        pytest.param({"SignatureValid": False}, id="not valid"),
    ],
)
def test_another_answer_of_kms_lets_no_image_run(
    account: DeployingEcs, answer: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    account.verified = answer

    assert account.ask_hook() == "FAILED"
    assert f"is not signed with {HOOK['SIGNING_KEY']}" in problems(capsys)


@pytest.mark.parametrize("operation", ["Verify", "ListObjectsV2"])
def test_what_the_hook_may_not_ask_is_no_agreement(account: DeployingEcs, operation: str) -> None:
    account.denied = {operation}

    # ECS rolls a release back if the hook fails without an answer.
    with pytest.raises(ClientError, match="AccessDenied"):
        account.ask_hook()


def test_an_older_folder_counts_if_a_newer_one_is_damaged(account: DeployingEcs) -> None:
    account.put("evidence", f"{LIST}e-9/signed-2", b"", "1")

    assert account.ask_hook() == "SUCCEEDED"


def test_only_the_newest_folders_are_read(account: DeployingEcs, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(2, 7):
        account.put("evidence", f"{LIST}e-{number}/signed", b"", "1")

    assert account.ask_hook() == "FAILED"
    assert "of the signed release cannot be read (NoSuchKey)" in problems(capsys)


def test_a_signed_image_with_findings_may_not_run(account: DeployingEcs, capsys: pytest.CaptureFixture[str]) -> None:
    found = {"findingSeverityCounts": {"HIGH": 1}}
    account.scan = {"imageScanStatus": {"status": "COMPLETE"}, "imageScanFindings": found}

    assert account.ask_hook() == "FAILED"
    assert "found vulnerabilities: {'HIGH': 1}" in problems(capsys)


FIRST = f"public.ecr.aws/docker/library/python@sha256:{'0' * 64}"


def admit(monkeypatch: pytest.MonkeyPatch, *exceptions: dict[str, str], environment: str = "staging") -> None:
    monkeypatch.setenv("UNSIGNED_IMAGES", unsigned_exceptions.variable(environment, *exceptions))


@pytest.mark.parametrize("image", [FIRST, UNSIGNED], ids=["of another registry", "of the repository"])
@pytest.mark.parametrize("days", [0, 90])
def test_an_exception_lets_exactly_its_image_run_until_its_last_day(
    account: DeployingEcs,
    image: str,
    days: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    account.images = [image]
    account.scanned.add(f"sha256:{OTHER}")
    entry = unsigned_exceptions.exception(image, days)
    admit(monkeypatch, unsigned_exceptions.exception(SIGNED, name="other"), entry)

    assert account.ask_hook() == "SUCCEEDED"
    told = json.loads(capsys.readouterr().out.splitlines()[-2])
    assert told["unsigned"] == entry
    assert image in told["reason"]


@pytest.mark.parametrize(
    ("image", "days", "environment", "expected"),
    [
        pytest.param(UNSIGNED, -1, "staging", "the exception first ended on", id="ended"),
        pytest.param(UNSIGNED, 91, "staging", "the exception first lasts until", id="too long"),
        pytest.param(SIGNED, 10, "staging", "has signed no statements", id="another image"),
        pytest.param(UNSIGNED, 10, "production", "has signed no statements", id="another environment"),
    ],
)
def test_no_other_exception_lets_an_image_run(
    account: DeployingEcs,
    image: str,
    days: int,
    environment: str,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    account.images = [UNSIGNED]
    admit(monkeypatch, unsigned_exceptions.exception(image, days), environment=environment)

    assert account.ask_hook() == "FAILED"
    assert expected in problems(capsys)


def test_an_exception_replaces_no_scan(
    account: DeployingEcs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account.images = [UNSIGNED]
    account.scanned.add(f"sha256:{OTHER}")
    account.scan = {"imageScanStatus": {"status": "FAILED"}}
    admit(monkeypatch, unsigned_exceptions.exception(UNSIGNED))

    assert account.ask_hook() == "FAILED"
    assert "has status FAILED" in problems(capsys)


def test_an_exception_counts_also_if_kms_cannot_be_asked(
    account: DeployingEcs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account.denied = {"Verify"}
    admit(monkeypatch, unsigned_exceptions.exception(SIGNED))

    assert account.ask_hook() == "SUCCEEDED"
    assert "ClientError" in json.loads(capsys.readouterr().out.splitlines()[-2])["reason"]


def test_the_signature_of_an_excepted_image_is_still_verified(
    account: DeployingEcs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    admit(monkeypatch, unsigned_exceptions.exception(SIGNED))

    assert account.ask_hook() == "SUCCEEDED"
    assert json.loads(capsys.readouterr().out.splitlines()[-2]) == {"image": SIGNED, "statements": FOLDER}
