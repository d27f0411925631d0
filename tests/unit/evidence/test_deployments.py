"""A statement about a deployment counts if it is signed, about this release, and none before it is missing."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main
from cicd_templates.evidence.deployments import Deployment, read_deployments
from cicd_templates.evidence.folder import read_folder
from cicd_templates.evidence.public_key import read_public_key
from cicd_templates.evidence.statements import read_statement
from cicd_templates.evidence.verification import verify_folder
from cicd_templates.functions import evidence_format as form
from tests.fakes.signed_evidence import (
    DOCUMENTS,
    REPOSITORY,
    Signer,
    deployment,
    descriptor,
    write_derived,
    write_evidence,
    write_whole_evidence,
)

SIGNER, STRANGER = Signer(), Signer()
STAGING, PRODUCTION = (form.name_of_deployment(name, 1) for name in ("staging", "production"))
IMAGE = {"name": REPOSITORY, "digest": {"sha256": "1" * 64}}


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return write_whole_evidence(tmp_path / "whole", SIGNER)


def problems(folder: Path, *not_attested: str) -> dict[str, str]:
    """Write the derived files anew, as an attacker would, and return the reasons by the name of the file."""
    for path in (folder / "bundles/deployments").rglob("*.json"):
        path.unlink()
    write_derived(folder)
    found = verify_folder(folder, SIGNER.fingerprint, not_attested).problems
    assert len({problem.file for problem in found}) == len(found)
    return {problem.file: problem.reason for problem in found}


def deployments_in(folder: Path) -> list[Deployment]:
    contents, key = read_folder(folder), read_public_key(SIGNER.pem)
    return read_deployments(contents, key, read_statement(contents.read("release.dsse.json"), key))


def typed(folder: Path, *words: str) -> list[str]:
    result = CliRunner().invoke(main, ["verify-evidence", str(folder), "--key", SIGNER.fingerprint, *words])
    return result.output.splitlines()


def test_the_deployments_are_shown_with_their_approvers_and_alarms(whole: Path) -> None:
    lines = typed(whole)

    assert (
        "deployed to production on 2026-11-24T13:01:00+00:00, approved by arn:aws:iam::1:user/ada on"
        " 2026-11-24T12:59:00+00:00; 1 alarm. All were OK during the whole deployment." in lines
    )
    assert not [line for line in lines if "no statement about" in line]


def test_a_second_deployment_of_the_release_lists_the_first(whole: Path) -> None:
    deployment(whole, SIGNER, "staging", 2)
    assert problems(whole) == {}
    (whole / STAGING).unlink()

    assert problems(whole) == {STAGING: "is missing"}


def test_a_removed_statement_is_missed_by_the_next_environment(whole: Path) -> None:
    (whole / STAGING).unlink()
    deployment(whole, SIGNER, "production", earlier=[])

    assert problems(whole) == {STAGING: "is missing, but the release was later deployed to production"}


def test_a_bundle_shows_that_its_statement_is_missing(whole: Path) -> None:
    (whole / PRODUCTION).unlink()
    found = [problem.reason for problem in verify_folder(whole).problems if problem.file == PRODUCTION]

    assert found == ["is missing, but its bundle bundles/deployments/production/1.sigstore.json exists", MISSING]
    assert not [line for line in (*typed(whole), *typed(whole, "--not-attested", "production")) if "pass --" in line]


MISSING = "is missing, but the pipeline deploys to this environment"


def test_the_last_statement_is_missed_although_nothing_of_it_is_left(whole: Path) -> None:
    (whole / PRODUCTION).unlink()
    shutil.rmtree(whole / "approvals")

    assert problems(whole) == {PRODUCTION: MISSING}
    assert typed(whole)[:2] == [
        f"{PRODUCTION}: {MISSING}",
        "If you know from another source that the release was not deployed to production, pass"
        " --not-attested production.",
    ]
    (whole / STAGING).unlink()
    assert problems(whole) == {STAGING: MISSING, PRODUCTION: MISSING}
    assert "not deployed to staging and production, pass --not-attested staging,production." in typed(whole)[2]


def test_a_person_can_except_environments_that_the_release_did_not_reach(whole: Path) -> None:
    (whole / PRODUCTION).unlink()

    assert problems(whole, "production") == {}
    lines = typed(whole, "--not-attested", "production")
    exception = (
        "The evidence has no statement about a deployment to {0}. This is not an error, because the command names {0}"
        " as an environment that needs no statement."
    )
    assert exception.format("production") in lines
    (whole / STAGING).unlink()
    assert problems(whole, "production") == {STAGING: MISSING}
    assert problems(whole, "staging", "production") == {}
    assert exception.format("staging") in typed(whole, "--not-attested", "staging, production,")


def test_an_exception_for_an_environment_that_was_reached_is_wrong(whole: Path) -> None:
    excepted = "is a statement about {}, which was listed as an environment without a deployment"

    assert problems(whole, "production") == {PRODUCTION: excepted.format("production")}
    (whole / STAGING).unlink()
    deployment(whole, SIGNER, "production", earlier=[])
    assert problems(whole, "staging") == {STAGING: "is missing, but the release was later deployed to production"}
    assert not [line for line in typed(whole) if "--not-attested" in line]


def test_an_exception_for_an_unknown_environment_is_one_line(whole: Path) -> None:
    command = ["verify-evidence", str(whole), "--not-attested", "production,prod"]
    result = CliRunner().invoke(main, command)

    expected = "error: prod is not an environment of this release; the release has staging, production\n"
    assert (result.exit_code, result.output) == (2, expected)


def test_an_empty_variable_excepts_nothing(whole: Path) -> None:
    (whole / PRODUCTION).unlink()
    for value in ("", " ", ","):
        result = CliRunner().invoke(main, ["verify-evidence", str(whole)], env={"CICD_TEMPLATES_NOT_ATTESTED": value})
        assert (result.exit_code, f"{PRODUCTION}: {MISSING}" in result.output) == (1, True), value


def test_a_release_without_a_list_of_environments_is_named(tmp_path: Path) -> None:
    write_evidence(tmp_path, SIGNER)

    assert (
        "The release statement lists no environments, so nothing shows whether a statement about a deployment is"
        " missing." in typed(tmp_path)
    )
    result = CliRunner().invoke(main, ["verify-evidence", str(tmp_path), "--not-attested", "staging"])
    assert "error: staging is not an environment of this release; the release has none\n" in result.output


MIGRATION = form.name_of_deployment("staging", 1, migration=True)


def test_a_statement_about_a_migration_is_shown_and_missed(whole: Path) -> None:
    assert [line for line in typed(whole) if line.startswith("deployed to staging (migration) on 2026-11-24T13:01")]
    (whole / MIGRATION).unlink()

    assert problems(whole) == {MIGRATION: "is missing"}


def test_a_statement_about_a_migration_does_not_stand_for_the_deployment(whole: Path) -> None:
    (whole / PRODUCTION).unlink()
    (whole / STAGING).unlink()

    assert problems(whole, "production") == {STAGING: MISSING}
    assert problems(whole, "staging", "production") == {}
    (whole / STAGING).write_bytes((whole / MIGRATION).read_bytes())
    assert problems(whole, "production") == {STAGING: f"is not the statement that was stored as {STAGING}"}


def test_a_bundle_shows_that_the_statement_about_a_migration_is_missing(whole: Path) -> None:
    (whole / MIGRATION).unlink()
    found = [problem.reason for problem in verify_folder(whole).problems if problem.file == MIGRATION]

    bundle = "bundles/deployments/staging/migration-1.sigstore.json"
    assert found == ["is missing", f"is missing, but its bundle {bundle} exists"]


def test_a_changed_statement_before_another_is_found(whole: Path) -> None:
    deployment(whole, SIGNER, "staging", ended="later")

    assert problems(whole)[STAGING].startswith("was changed: its SHA-256 is ")


WRONG: list[Any] = [
    pytest.param({"subject": [IMAGE]}, "is about another release", id="no release"),
    pytest.param(
        {"subject": [IMAGE, descriptor(form.RELEASE, b"another")]}, "is about another release", id="another release"
    ),
    pytest.param(
        {"predicate_type": "urn:x"}, f"is a statement of type urn:x instead of {form.DEPLOYMENT_TYPE}", id="type"
    ),
    pytest.param({"file": STAGING}, f"is not the statement that was stored as {PRODUCTION}", id="another file"),
    pytest.param({"service": "x"}, f"is not the statement that was stored as {PRODUCTION}", id="another service"),
    *(
        pytest.param(
            {"stacks": [{"template": template}]},
            f"lists the template {template.get('name')}, which differs from the one in {form.TEMPLATES_ARCHIVE}",
            id=f"template {number}",
        )
        for number, template in enumerate([descriptor("staging/service.yaml", b"x"), descriptor("nowhere", b"x")])
    ),
    pytest.param(
        {"approval": {"record": "0" * 64, "approvedBy": ""}, "execution": "rollback"},
        "does not say who approved the deployment",
        id="nobody approved",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "reason"), WRONG)
def test_a_statement_about_something_else_fails(whole: Path, changed: dict[str, Any], reason: str) -> None:
    deployment(whole, SIGNER, "production", **changed)

    assert problems(whole) == {PRODUCTION: reason}


def test_a_statement_about_another_environment_fails(whole: Path) -> None:
    another = deployment(whole, SIGNER, "elsewhere", file=PRODUCTION, earlier=[])
    (whole / PRODUCTION).write_bytes((whole / another).read_bytes())
    (whole / form.name_of_deployment("elsewhere", 1)).unlink()

    assert problems(whole)[PRODUCTION] == f"is not the statement that was stored as {PRODUCTION}"


def test_a_statement_by_another_key_fails_and_is_not_shown(whole: Path) -> None:
    deployment(whole, STRANGER, "production")

    assert problems(whole) == {PRODUCTION: f"is not signed by the key {SIGNER.fingerprint[:16]}"}
    assert not [line for line in typed(whole) if line.startswith("deployed to production")]


def test_a_record_of_an_approval_must_be_there_unless_the_deployment_was_a_rollback(whole: Path) -> None:
    approval = {"record": "7" * 64, "approvedBy": "ada"}
    deployment(whole, SIGNER, "production", approval=approval)
    assert problems(whole) == {f"approvals/production/{'7' * 64}/change-sets.json": "is missing"}
    deployment(whole, SIGNER, "production", approval=approval, execution="a rollback")

    assert problems(whole) == {}


def test_templates_that_cannot_be_read_do_not_fit(whole: Path) -> None:
    (whole / form.TEMPLATES_ARCHIVE).unlink()
    found = {(problem.file, problem.reason) for problem in verify_folder(whole).problems}

    assert (STAGING, "lists the template staging/service.yaml, which differs from the one in templates.zip") in found


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
@pytest.mark.parametrize("damage", ["a changed byte", "cut off"])
def test_signed_templates_whose_data_is_damaged_do_not_fit(tmp_path: Path, compression: int, damage: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", compression) as opened:
        opened.writestr("staging/service.yaml", "".join(str(number) for number in range(2000)))
    content = archive.getvalue()
    changed = content[:100] + b"\xff" * 8 + content[108:] if damage == "a changed byte" else content[:100]
    folder = write_evidence(tmp_path, SIGNER, documents=DOCUMENTS | {form.TEMPLATES_ARCHIVE: changed})
    template = descriptor("staging/service.yaml", b"")
    deployment(folder, SIGNER, "staging", stacks=[{"changeSet": "c", "template": template}])
    found = {(problem.file, problem.reason) for problem in verify_folder(folder).problems}

    reason = "lists the template staging/service.yaml, which differs from the one in templates.zip"
    assert [problem for problem in found if problem[0] in (STAGING, form.TEMPLATES_ARCHIVE)] == [(STAGING, reason)]


@pytest.mark.parametrize(
    ("alarms", "sentence"),
    [
        ([], "The service has no alarms."),
        ("text", "The service has no alarms."),
        (
            [{"name": "cpu", "state": "ALARM", "changes": []}] * 2,
            "2 alarms. All were ALARM during the whole deployment.",
        ),
        (
            [{"name": "cpu", "state": "ALARM"}, {"name": "slow", "state": "ALARM", "changes": [{"on": 1, "to": "OK"}]}],
            "2 alarms. cpu: at the end ALARM. slow: OK at 1, at the end ALARM.",
        ),
        (
            [
                {
                    "name": "slow",
                    "state": "OK",
                    "changes": [{"on": "12:00", "to": "ALARM"}, {"on": "12:01", "to": "OK"}],
                },
                {"name": "errors", "state": "ALARM", "changes": []},
                {"name": "cpu", "state": "OK", "changes": []},
                {"name": "memory", "unread": "AccessDenied"},
            ],
            "4 alarms. slow: ALARM at 12:00, OK at 12:01, at the end OK. errors: at the end ALARM. memory could not be"
            " read: AccessDenied.",
        ),
    ],
)
def test_the_states_of_alarms_are_a_sentence(whole: Path, alarms: Any, sentence: str) -> None:
    deployment(whole, SIGNER, "production", alarms=alarms)

    shown = deployments_in(whole)
    assert [each.alarms for each in shown if each.environment == "production"] == [sentence]


UNNAMED = "approved, but the statement does not say by whom"


@pytest.mark.parametrize(
    ("approval", "expected"),
    [
        ({"approvedBy": "ada", "approvedOn": "2026-11-24"}, "approved by ada on 2026-11-24"),
        ({"approvedBy": "ada"}, "approved by ada"),
        ({"approvedOn": "2026-11-24"}, UNNAMED),
        ({"approvedBy": None}, UNNAMED),
        ({}, UNNAMED),
        (None, "no approval was needed"),
    ],
)
def test_a_signed_statement_of_any_form_is_shown_with_its_approval(whole: Path, approval: Any, expected: str) -> None:
    deployment(whole, SIGNER, "production", approval=approval, stacks=[{"template": 1, "taskDefinitions": 2}, 3])

    (_, _, shown) = deployments_in(whole)
    assert (shown.environment, shown.approval, shown.revisions) == ("production", expected, ())


def test_deployments_are_in_the_order_of_the_pipeline_and_of_their_numbers(whole: Path) -> None:
    deployment(whole, SIGNER, "staging", 2)
    deployment(whole, SIGNER, "another", 1)

    assert [shown.name.removeprefix("deployments/") for shown in deployments_in(whole)] == [
        "staging/migration-1.dsse.json",
        "staging/1.dsse.json",
        "staging/2.dsse.json",
        "production/1.dsse.json",
        "another/1.dsse.json",
    ]


def test_a_digest_of_another_form_fits_nothing(whole: Path) -> None:
    deployment(whole, SIGNER, "production", stacks=[{"template": {"name": "staging/service.yaml", "digest": 1}}])

    assert PRODUCTION in problems(whole)
