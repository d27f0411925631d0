"""A rehearsal writes evidence only if the signer has signed it, and only in the form that the signer has signed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cicd_templates.errors import CicdError
from cicd_templates.functions.evidence_format import RELEASE
from cicd_templates.rehearsal.release_evidence import write_release_evidence
from tests.fakes.deployment_runs import codepipeline_of, deployed
from tests.fakes.scripted_aws import aws
from tests.fakes.signing_account import ENVIRONMENT, SERVICE, SigningAccount
from tests.fakes.stored_evidence import SIGNER, put_release


class RehearsedSigner(SigningAccount):
    """An account with the deployed signer, whose key is that of the stored releases."""

    def _GetFunctionConfiguration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N802, N803
        assert FunctionName == "shop-tools-basket-signer"
        return {"Environment": {"Variables": ENVIRONMENT}}

    def _GetPublicKey(self, KeyId: str) -> dict[str, Any]:  # noqa: N802, N803
        return {"PublicKey": SIGNER.der}


def rehearsed(account: SigningAccount, fingerprint: str = SIGNER.fingerprint, deployments: Any = ()) -> Any:
    """Return a run whose action `Sign` has reported this fingerprint, or that ended before if it is empty.

    `deployments` are the executions of its further actions.
    """
    actions = [SimpleNamespace(namespace=name) for name in ("", "Image", "Sign")]
    variables = {"Image": {"IMAGE_URI": "x"}} | ({"Sign": {"Signer": fingerprint}} if fingerprint else {})
    history = aws(codepipeline=codepipeline_of({"run-2": deployments})).codepipeline

    def client(name: str) -> Any:
        return history if name == "codepipeline" else account.client(name)

    return SimpleNamespace(
        pipeline=SimpleNamespace(
            name="basket-shop-tools", role="arn:aws:iam::111122223333:role/pipeline", actions=actions
        ),
        setup=SimpleNamespace(root_session=lambda arn: SimpleNamespace(client=client)),
        resolve_configuration=lambda action: {"FunctionName": "shop-tools-basket-signer"},
        variables=variables,
        execution="run-2",
    )


@pytest.fixture
def account() -> SigningAccount:
    account = RehearsedSigner()
    for number in (1, 2, 3):
        put_release(account, number, about={"environments": ["staging", "production"]})
    return account


def test_the_evidence_of_the_run_itself_is_written(account: SigningAccount, tmp_path: Path) -> None:
    assert write_release_evidence(rehearsed(account), tmp_path / "evidence") == ["staging", "production"]

    expected = account.objects["evidence", f"{SERVICE}/run-2/signed/{RELEASE}"][-1][1]
    assert (tmp_path / "evidence" / RELEASE).read_bytes() == expected


def test_a_run_that_ended_before_leaves_no_evidence_of_an_earlier_one(account: SigningAccount, tmp_path: Path) -> None:
    write_release_evidence(rehearsed(account), tmp_path / "evidence")

    assert write_release_evidence(rehearsed(account, ""), tmp_path / "evidence") is None
    assert list(tmp_path.iterdir()) == []


def test_a_statement_that_the_signer_reported_must_be_there(account: SigningAccount, tmp_path: Path) -> None:
    run = rehearsed(account, deployments=deployed(SERVICE, "run-2", "staging"))

    with pytest.raises(CicdError, match=r"cannot be verified: deployments/staging/1\.dsse\.json is missing"):
        write_release_evidence(run, tmp_path / "evidence")


def test_evidence_of_another_key_than_the_signer_reported_is_an_error(account: SigningAccount, tmp_path: Path) -> None:
    with pytest.raises(CicdError, match=r"cannot be verified: public-key\.pem has the fingerprint"):
        write_release_evidence(rehearsed(account, "0" * 64), tmp_path / "evidence")
