"""The hook before the tasks of a release start: only an image with signed statements about its digest may run."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec

from cicd_templates.functions import evidence_format as form
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
    assert problems(capsys) == expected


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
