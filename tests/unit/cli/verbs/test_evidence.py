"""`evidence` collects a release that the signer's key has signed, and then shows what `verify-evidence` shows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cicd_templates.cli import main, selection
from cicd_templates.functions.evidence_format import SCAN_POLICY
from tests.fakes.deployment_runs import action, codepipeline_of, deployed
from tests.fakes.scripted_aws import aws
from tests.fakes.signing_account import SERVICE, SigningAccount
from tests.fakes.stored_evidence import SIGNER, put_release

ROUTE = {"environments": ["staging-pr1", "live"]}
# The signer has reported a statement about the run 2, and the stage of the run 1 has failed.
RUNS = {
    1: [action("Staging/SmokeTest", "Failed", 2), action("Staging/Execute", second=1)],
    2: deployed(SERVICE, "run-2", "staging"),
}
VALUES = {
    ("storage", "EvidenceBucketName"): "evidence",
    ("storage", "ArtifactsBucketName"): "artifacts",
    ("storage", "TemplatesBucketName"): "templates",
    ("signer", "SigningKeyArn"): "arn:aws:kms:eu-central-1:111122223333:key/1",
}


class Account(SigningAccount):
    def _GetPublicKey(self, KeyId: str) -> dict[str, Any]:  # noqa: N802, N803
        assert KeyId == VALUES["signer", "SigningKeyArn"]
        return {"PublicKey": SIGNER.der}


@pytest.fixture
def account(in_project: Path, monkeypatch: pytest.MonkeyPatch) -> SigningAccount:
    account = Account()
    for number in (1, 2, 3):
        put_release(account, number, image=str(number) * 64, about=ROUTE)
    give(account, monkeypatch, VALUES)
    return account


def give(account: SigningAccount, monkeypatch: pytest.MonkeyPatch, values: dict[tuple[str, str], str]) -> None:
    def value(layer: str, output: str, service: str | None = None) -> str | None:
        assert service in (None, SERVICE)
        return values.get((layer, output))

    runs = {f"run-{number}": RUNS.get(number, []) for number in (1, 2, 3)}
    environment = SimpleNamespace(
        name="tools",
        qualified="tools",
        project=SimpleNamespace(name="shop"),
        services=[SimpleNamespace(name=SERVICE)],
        route=[
            SimpleNamespace(name="staging", qualified="staging-pr1"),
            SimpleNamespace(name="live", qualified="live"),
        ],
    )
    clients = SimpleNamespace(
        s3=account.client("s3"),
        kms=account.client("kms"),
        codepipeline=aws(codepipeline=codepipeline_of(runs)).codepipeline,
    )
    tools = SimpleNamespace(environment=environment, clients=clients, value=value)
    monkeypatch.setattr(selection, "tools", lambda suffix, local: tools)


def typed(*words: str) -> Result:
    return CliRunner().invoke(main, ["evidence", *words])


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("", 3),
        ("--execution run-1", 1),
        ("--release v-1", 1),
        (f"--digest {'1' * 64}", 1),
        (f"--digest sha256:{'3' * 64}", 3),
    ],
    ids=["the last", "execution", "source version", "digest", "digest with its algorithm"],
)
def test_a_release_is_collected_and_verified(account: SigningAccount, words: str, number: int) -> None:
    result = typed(*words.split())
    folder = f".state/evidence/basket-run-{number}"

    assert result.exit_code == 0, result.output
    first = "failed there after the deployment, before a statement could be signed"
    assert result.output.splitlines()[:4] == [
        f"wrote {folder} and {folder}.zip; to read the evidence, open {folder}/index.html",
        f"staging-pr1 needs no statement: according to CodePipeline, the release"
        f" {first if number == 1 else 'was not deployed there'}",
        "live needs no statement: according to CodePipeline, the release was not deployed there",
        f"{folder}: 9 files and every signature match the release statement",
    ]
    assert f"execution: run-{number}" in result.output.splitlines()
    assert result.output.splitlines()[-2:] == [
        f"signer: sha256:{SIGNER.fingerprint}",
        "to verify this folder, use this command, which names the environments that need no signed statement:"
        f" make verify-evidence FOLDER={folder} NOT_ATTESTED=staging-pr1,live",
    ]


def test_a_statement_that_the_pipeline_names_must_be_collected(account: SigningAccount) -> None:
    result = typed("--release", "v-2", "--not-attested", "staging-pr1")
    name = "deployments/staging/1.dsse.json"

    assert result.exit_code == 1
    assert f"{name}: is missing, but the signer reported it to the pipeline" in result.output.splitlines()


def test_what_is_not_in_the_history_can_be_excepted(account: SigningAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUNS, 3, [action("Staging/Execute"), action("Live/Execute")])
    give(account, monkeypatch, VALUES)

    assert typed().exit_code == 1
    assert "deployments/live/1.dsse.json: is missing" in typed().output
    result = typed("--not-attested", "live,staging-pr1")
    assert (result.exit_code, "to verify this folder" in result.output) == (0, False)


def test_a_copy_has_a_folder_of_its_own(account: SigningAccount) -> None:
    assert typed("--suffix", "pr1").exit_code == 0
    assert Path(".state/evidence/basket-pr1-run-3/index.html").exists()


@pytest.mark.no_cover
def test_a_file_that_was_changed_in_the_bucket_is_named(account: SigningAccount) -> None:
    account.objects["evidence", f"{SERVICE}/run-3/signed/{SCAN_POLICY}"] = [("x", b"version = 1\n")]
    result = typed()

    assert result.exit_code == 1
    assert f"{SCAN_POLICY}: was changed: its SHA-256 is " in result.output
    assert result.output.splitlines()[-1].endswith("so this is not the signed evidence")


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        ("--execution run-1 --release v-1", 2, "which release? Use only one of --execution, --release, --digest"),
        ("--execution ../x", 2, "'../x' is not the id of a pipeline execution"),
        ("--digest sha256:12", 2, "'sha256:12' is not a digest; write sha256:<64 hexadecimal digits>"),
        ("--service till", 2, "no service 'till'"),
        ("--execution run-9", 1, "no signed release of basket, execution run-9 in s3://evidence"),
        ("--out taken", 2, "taken exists; remove it, or name a new folder with --out"),
        ("--out zipped", 2, "zipped.zip exists; remove it, or name a new folder with --out"),
    ],
)
def test_a_wrong_call_is_a_line_and_writes_nothing(
    account: SigningAccount, words: str, code: int, expected: str
) -> None:
    Path("taken").mkdir()
    Path("zipped.zip").touch()
    before = sorted(Path().rglob("*"))
    result = typed(*words.split())

    assert (result.exit_code, expected in result.output, result.output.count("\n")) == (code, True, 1), result.output
    assert sorted(Path().rglob("*")) == before


def test_an_empty_variable_is_not_another_release(account: SigningAccount) -> None:
    for name in ("EXECUTION", "RELEASE", "DIGEST"):
        result = CliRunner().invoke(main, ["evidence"], env={f"CICD_TEMPLATES_{name}": ""})
        assert (result.exit_code, "has no value; write a value" in result.output) == (2, True)


@pytest.mark.parametrize("missing", VALUES, ids=" ".join)
def test_without_a_signer_the_command_that_deploys_it_is_named(
    account: SigningAccount, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, str]
) -> None:
    give(account, monkeypatch, {name: value for name, value in VALUES.items() if name != missing})
    result = typed("--local")

    assert (result.exit_code, result.output) == (
        1,
        "error: basket has no signer for its evidence yet; deploy the signer first: make deploy ENV=tools LOCAL=1\n",
    )


def test_the_folder_can_be_chosen(account: SigningAccount) -> None:
    assert typed("--out", "for/the/auditor").exit_code == 0
    assert Path("for/the/auditor/index.html").exists()
    assert Path("for/the/auditor.zip").exists()
