"""Only a statement that the signer's key has signed is a release. A copy of an older release is never the newest."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from cicd_templates.deploy.releases.signed_releases import ReleaseQuery, find_release, find_release_before
from cicd_templates.errors import CicdError
from cicd_templates.functions.evidence_format import RELEASE
from tests.fakes.signed_evidence import Signer
from tests.fakes.signing_account import SERVICE, SigningAccount
from tests.fakes.stored_evidence import SIGNER, minute, put_release, store_of

STRANGER = Signer()


@pytest.fixture
def account() -> SigningAccount:
    account = SigningAccount()
    for number in (1, 2, 3):
        put_release(account, number, image=str(number) * 64)
    return account


def found(account: SigningAccount, **wanted: str) -> str:
    return find_release(store_of(account), ReleaseQuery(SERVICE, **wanted)).execution


@pytest.mark.parametrize(
    ("wanted", "execution"),
    [
        ({}, "run-3"),
        ({"execution": "run-2"}, "run-2"),
        ({"version": "v-1"}, "run-1"),
        ({"digest": "2" * 64}, "run-2"),
        ({"digest": "2" * 64, "version": "v-2"}, "run-2"),
    ],
    ids=["the newest", "by execution", "by version", "by digest", "by both"],
)
def test_a_release_is_found(account: SigningAccount, wanted: dict[str, str], execution: str) -> None:
    assert found(account, **wanted) == execution


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        ({"execution": "run-9"}, "basket, execution run-9"),
        ({"version": "v"}, "basket, source version v"),
        ({"digest": "9" * 64}, f"basket, image {'9' * 64}"),
        ({"execution": "run-1", "digest": "2" * 64}, f"basket, execution run-1, image {'2' * 64}"),
    ],
    ids=["execution", "part of a version", "digest", "another image"],
)
def test_a_release_that_is_not_there_is_named(account: SigningAccount, wanted: dict[str, str], named: str) -> None:
    with pytest.raises(CicdError, match=f"^no signed release of {named} in s3://evidence; "):
        found(account, **wanted)


def statement(account: SigningAccount, number: int) -> bytes:
    return account.objects["evidence", f"{SERVICE}/run-{number}/signed/{RELEASE}"][-1][1]


@pytest.mark.parametrize(
    "key",
    [f"{SERVICE}/run-1/signed-2/{RELEASE}", f"{SERVICE}/run-4/signed/{RELEASE}", f"{SERVICE}/run-4/{RELEASE}"],
    ids=["beside the original", "of another execution", "at another place"],
)
def test_a_copy_of_a_signed_release_is_not_the_newest(account: SigningAccount, key: str) -> None:
    account.put("evidence", key, statement(account, 1), "x")
    account.stored_on[key] = minute(1) + timedelta(hours=2)

    assert found(account) == "run-3"


def test_a_copied_bucket_still_has_its_releases_by_execution(account: SigningAccount) -> None:
    account.stored_on = dict.fromkeys(account.stored_on, minute(1) + timedelta(days=400))

    assert found(account, execution="run-2") == "run-2"
    with pytest.raises(CicdError, match=r"^no signed release of basket in "):
        found(account)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        json.dumps({"payload": ""}).encode(),
        STRANGER.statement("urn:cicd-templates:release:1", {}, {"name": "a", "digest": {}}),
        SIGNER.statement("urn:cicd-templates:release:1", {}, {"name": "a", "digest": {}}),
        SIGNER.statement(
            "urn:another:type",
            {"service": SERVICE, "execution": "run-4", "signedOn": minute(4).isoformat()},
            {"name": "a", "digest": {}},
        ),
        SIGNER.statement(
            "urn:cicd-templates:release:1",
            {"service": SERVICE, "execution": "run-4", "signedOn": "2026-11-24T12:04:00"},
            {"name": "a", "digest": {}},
        ),
    ],
    ids=["empty", "no envelope", "another key", "no time", "another type", "no time zone"],
)
def test_what_the_signer_has_not_signed_as_a_release_is_passed_over(account: SigningAccount, content: bytes) -> None:
    key = f"{SERVICE}/run-4/signed/{RELEASE}"
    account.put("evidence", key, content, "x")
    account.stored_on[key] = minute(4)

    assert found(account) == "run-3"


def test_the_release_before_is_of_another_execution(account: SigningAccount) -> None:
    store = store_of(account)
    put_release(account, 3, prefix=f"{SERVICE}/run-3/signed-2", about={"signedOn": minute(2).isoformat()})
    before: list[Any] = [
        find_release_before(store, find_release(store, ReleaseQuery(SERVICE, execution)))
        for execution in ("run-3", "run-2", "run-1")
    ]

    assert [release and release.execution for release in before] == ["run-2", "run-1", None]
