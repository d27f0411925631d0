"""The folder contains what the release statement lists. No file outside the folder is written or read."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.releases.evidence_folder import write_evidence_folder, zip_folder
from cicd_templates.deploy.releases.signed_releases import ReleaseQuery, find_release
from cicd_templates.errors import CicdError
from cicd_templates.evidence.additions import RELEASE_BEFORE, TEMPLATES_BEFORE
from cicd_templates.evidence.statements import Subject
from cicd_templates.evidence.verification import verify_folder
from cicd_templates.functions.evidence_format import TEMPLATES_ARCHIVE, canonical_json
from tests.fakes.signed_evidence import DOCUMENTS, sha256, templates
from tests.fakes.signing_account import SERVICE, SigningAccount
from tests.fakes.stored_evidence import SIGNER, put_release, store_of


@pytest.fixture
def account() -> SigningAccount:
    return SigningAccount()


def write(account: SigningAccount, folder: Path) -> dict[str, str]:
    """Write the newest release, and return its problems by the name of the file."""
    store = store_of(account)
    write_evidence_folder(store, find_release(store, ReleaseQuery(SERVICE)), folder)
    return {problem.file: problem.reason for problem in verify_folder(folder, SIGNER.fingerprint).problems}


def test_a_folder_is_replaced_by_evidence_that_verifies(account: SigningAccount, tmp_path: Path) -> None:
    folder = tmp_path / "state/evidence"
    for number in (1, 2):
        put_release(account, number, documents=DOCUMENTS | {f"evidence/{number}.json": b"{}"})
        assert write(account, folder) == {}

    assert {path.name for path in (folder / "evidence").iterdir()} >= {"verdict.json", "2.json"}
    assert not (folder / "evidence/1.json").exists()
    assert (folder.stat().st_mode & 0o777, [path.name for path in folder.parent.iterdir()]) == (0o700, ["evidence"])


def test_the_version_that_was_signed_is_read(account: SigningAccount, tmp_path: Path) -> None:
    put_release(account, 1)
    account.put("templates", "templates.zip", b"newer", "v-9")

    assert write(account, tmp_path / "evidence") == {}


def test_an_object_that_is_gone_is_missing_by_its_name(account: SigningAccount, tmp_path: Path) -> None:
    prefix = put_release(account, 1)
    del account.objects["artifacts", f"{SERVICE}/run-1/bandit.zip"]
    account.objects["templates", "templates.zip"].pop()
    del account.objects["evidence", f"{prefix}/scan-policy.toml"]

    reasons = write(account, tmp_path / "evidence")
    assert {name for name, reason in reasons.items() if reason == "is missing"} == {
        "reports/bandit.zip", "templates.zip", "scan-policy.toml",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["evidence/../../x", "/x", "evidence/.hidden", "a\\b", "evidence//x", "evidence/x\n"])
def test_no_name_leads_out_of_the_folder(account: SigningAccount, tmp_path: Path, name: str) -> None:
    put_release(account, 1)
    release = find_release(store_of(account), ReleaseQuery(SERVICE))
    release.statement.subject.append(Subject(name=name, digest={"sha256": "0" * 64}))

    with pytest.raises(CicdError, match="which is not a valid file name"):
        write_evidence_folder(store_of(account), release, tmp_path / "evidence")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address", ["s3://another/x?versionId=1", "https://example.com/", "s3://artifacts/x", 7], ids=str
)
def test_only_versions_in_the_buckets_of_the_signer_are_read(
    account: SigningAccount, tmp_path: Path, address: object
) -> None:
    put_release(account, 1, about={"locations": {"reports/bandit.zip": address}})

    with pytest.raises(CicdError, match=r"says that reports/bandit\.zip is at .*, which is in no bucket of"):
        write(account, tmp_path / "evidence")
    assert list(tmp_path.iterdir()) == []


def test_without_locations_every_file_is_beside_the_statement(account: SigningAccount, tmp_path: Path) -> None:
    put_release(account, 1, about={"locations": "none"})

    assert "is missing" in write(account, tmp_path / "evidence").values()


def record(account: SigningAccount, key: str) -> str:
    """Store a record of an approval at `key`, in which `{}` becomes its digest. Return the digest."""
    page = {name: sha256(name.encode()) for name in ("page.html", "page.json")}
    content = canonical_json({"environment": "production", "execution": "run-2", "page": page, "key": key})
    digest = sha256(content)
    account.put("evidence", key.format(digest), content, "r")
    return digest


def test_the_templates_before_and_what_approvers_were_shown_lie_beside_the_release(
    account: SigningAccount, tmp_path: Path
) -> None:
    for number in (1, 2):
        archive = templates(staging__service=f"Size: {number}\n")
        put_release(account, number, documents=DOCUMENTS | {TEMPLATES_ARCHIVE: archive})
    digest = record(account, f"_approvals/{SERVICE}/production/run-2/{{}}/change-sets.json")
    for other in ("production/run-1/{}/change-sets.json", "production/run-2/{}/other.json", "run-2/change-sets.json"):
        record(account, f"_approvals/{SERVICE}/{other}")

    for name in ("page.html", "page.json"):
        account.put("evidence", f"_approvals/{SERVICE}/production/run-2/{digest}/{name}", name.encode(), "p")

    assert write(account, tmp_path / "evidence") == {}
    added = {path.relative_to(tmp_path / "evidence").as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert added >= {RELEASE_BEFORE, TEMPLATES_BEFORE, "index.html", "VERIFY.md"}
    assert sorted(name for name in added if name.startswith("approvals/")) == [
        f"approvals/production/{digest}/{name}" for name in ("change-sets.json", "page.html", "page.json")
    ]
    assert (tmp_path / "evidence/templates.diff").read_text().endswith("-Size: 1\n+Size: 2\n")


def test_the_statements_about_deployments_of_the_release_lie_beside_it(account: SigningAccount, tmp_path: Path) -> None:
    for number in (1, 2):
        put_release(account, number)
    for name in ("run-2/staging/1.dsse.json", "run-2/staging/notes.txt", "run-1/staging/1.dsse.json"):
        account.put("evidence", f"_deployments/{SERVICE}/{name}", name.encode(), "d")

    # The content is no statement, which the verification says.
    assert write(account, tmp_path / "evidence").keys() == {"deployments/staging/1.dsse.json"}
    folder = tmp_path / "evidence/deployments"
    assert [path.read_text() for path in folder.rglob("*") if path.is_file()] == ["run-2/staging/1.dsse.json"]


def test_without_the_templates_before_there_is_no_release_before(account: SigningAccount, tmp_path: Path) -> None:
    for number in (1, 2):
        put_release(account, number)
    account.objects["templates", "templates.zip"] = [("v-2", DOCUMENTS[TEMPLATES_ARCHIVE])]

    assert write(account, tmp_path / "evidence") == {}
    assert list((tmp_path / "evidence/previous").iterdir()) == []


def test_a_zip_has_every_file_and_always_the_same_bytes(account: SigningAccount, tmp_path: Path) -> None:
    put_release(account, 1)
    write(account, tmp_path / "evidence")
    path = zip_folder(tmp_path / "evidence")
    first = path.read_bytes()

    assert (path.name, zip_folder(tmp_path / "evidence").read_bytes()) == ("evidence.zip", first)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert verify_folder(tmp_path / "unpacked/evidence", SIGNER.fingerprint).problems == []


def test_no_half_written_zip_is_left(account: SigningAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_release(account, 1)
    write(account, tmp_path / "evidence")

    def fail(path: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        zip_folder(tmp_path / "evidence")
    assert [path.name for path in tmp_path.iterdir()] == ["evidence"]


def test_nothing_is_left_and_the_earlier_folder_stays_if_an_object_cannot_be_read(
    account: SigningAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_release(account, 1)
    assert write(account, tmp_path / "evidence") == {}
    store = store_of(account)
    release = find_release(store, ReleaseQuery(SERVICE))
    calls: list[Any] = []
    get_object = account._GetObject

    def deny(**request: Any) -> dict[str, Any]:
        calls.append(request)
        if len(calls) == 3:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")
        return get_object(**request)

    monkeypatch.setattr(account, "_GetObject", deny)
    with pytest.raises(ClientError):
        write_evidence_folder(store, release, tmp_path / "evidence")

    assert [path.name for path in tmp_path.iterdir()] == ["evidence"]
    assert verify_folder(tmp_path / "evidence", SIGNER.fingerprint).problems == []


def test_the_earlier_folder_is_back_after_an_interruption_between_the_two_steps(
    account: SigningAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_release(account, 1)
    folder = tmp_path / "evidence"
    assert write(account, folder) == {}
    (folder / "note").write_text("of the earlier folder")
    replace = Path.replace

    def interrupt(path: Path, target: Path) -> Path:
        if path.name == ".evidence.new":
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write(account, folder)
    assert [path.name for path in tmp_path.iterdir()] == ["evidence"]
    assert (folder / "note").exists()

    # A killed process takes nothing back. The next call does, before it reads anything.
    folder.rename(tmp_path / ".evidence.old")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write(account, folder)
    assert (folder / "note").exists()
    assert write(account, folder) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["evidence"]
    assert not (folder / "note").exists()
