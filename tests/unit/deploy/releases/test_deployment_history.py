"""CodePipeline's history decides which environments need no statement, and which statements must be there."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.blocks import approval_actions
from cicd_templates.deploy.releases import deployment_history
from cicd_templates.deploy.releases.collected_evidence import verify_collected
from cicd_templates.deploy.releases.deployment_history import DeploymentHistory, read_deployment_history
from cicd_templates.deploy.releases.signed_releases import SignedReleaseStatement
from cicd_templates.evidence.public_key import read_public_key
from cicd_templates.evidence.statements import read_statement
from cicd_templates.functions import evidence_format as form
from tests.fakes.deployment_runs import BEGAN, action, codepipeline_of, deployed
from tests.fakes.scripted_aws import aws, refusal
from tests.fakes.signed_evidence import Signer, write_derived, write_whole_evidence

SIGNER = Signer()
STAGES = {"staging": "Staging", "production": "Production"}
NOT_DEPLOYED, FAILED = "was not deployed there", "failed there after the deployment, before a statement could be signed"
STAGING, PRODUCTION = (form.name_of_deployment(name, 1) for name in STAGES)


def history(*actions: dict[str, Any], **others: list[dict[str, Any]]) -> DeploymentHistory:
    """Return the history of the run `e-2`, with other runs that roll a stage back to it."""
    answers = codepipeline_of(
        {"e-2": actions, **others, "e-1": deployed("basket", "e-1", "staging")}, dict.fromkeys(others, "e-2")
    )
    return read_deployment_history(aws(codepipeline=answers).codepipeline, "basket-shop-tools", "e-2", STAGES)


def test_the_renderer_names_the_action_that_signs_with_the_same_word() -> None:
    assert approval_actions.ATTEST_ACTION == deployment_history.ATTEST_ACTION


@pytest.mark.parametrize(
    ("actions", "not_attested"),
    [
        pytest.param([], dict.fromkeys(STAGES, NOT_DEPLOYED), id="nothing was deployed"),
        pytest.param(deployed("basket", "e-2", "staging"), {"production": NOT_DEPLOYED}, id="staging only"),
        pytest.param([action("Staging/Execute")], {"production": NOT_DEPLOYED}, id="not yet attested"),
        pytest.param([action("Staging/Execute", "InProgress")], {"production": NOT_DEPLOYED}, id="in progress"),
        pytest.param([action("Staging/Execute", "Abandoned")], {"production": NOT_DEPLOYED}, id="abandoned"),
        pytest.param([action("Staging/Execute", "Failed")], dict.fromkeys(STAGES, NOT_DEPLOYED), id="failed"),
        pytest.param(
            [action("Staging/Execute", second=2), action("Staging/Execute", "Failed", 1)],
            {"production": NOT_DEPLOYED},
            id="failed, then repeated",
        ),
        pytest.param(
            [action("Staging/SmokeTest", "Failed", 2), action("Staging/Execute", second=1)],
            {"staging": FAILED, "production": NOT_DEPLOYED},
            id="the smoke test failed",
        ),
        pytest.param(
            [action("Staging/AttestStaging", "Failed", 2), action("Staging/Execute", second=1)],
            {"production": NOT_DEPLOYED},
            id="the signer failed",
        ),
        pytest.param(
            [action("Staging/Execute", second=3), action("Staging/C", second=2), action("Staging/C", "Failed", 1)],
            {"production": NOT_DEPLOYED},
            id="the check failed, then passed",
        ),
    ],
)  # fmt: skip
def test_an_environment_needs_no_statement_if_nothing_was_executed_or_its_stage_failed(
    actions: list[dict[str, Any]], not_attested: dict[str, str]
) -> None:
    assert dict(history(*actions).not_attested) == not_attested


def test_a_rollback_to_the_release_needs_a_statement_of_its_own() -> None:
    found = history(*deployed("basket", "e-2", "staging"), rollback=deployed("basket", "e-2", "production"))

    assert found == DeploymentHistory({}, frozenset({STAGING, PRODUCTION}))


def test_every_statement_that_the_signer_reported_is_found() -> None:
    later = deployed("basket", "e-2", "staging", 2)
    found = history(*deployed("basket", "e-2", "staging"), rollback=later)

    assert found.statements == {STAGING, form.name_of_deployment("staging", 2)}
    assert dict(found.not_attested) == {"production": NOT_DEPLOYED}


def test_a_run_that_the_history_has_no_longer_excepts_nothing() -> None:
    answers = codepipeline_of({"e-1": []})

    assert read_deployment_history(aws(codepipeline=answers).codepipeline, "p", "e-2", STAGES) == DeploymentHistory()


@pytest.mark.parametrize("code", ["PipelineNotFoundException", "AccessDeniedException"])
def test_a_pipeline_that_was_removed_excepts_nothing_and_other_errors_are_raised(code: str) -> None:
    client = aws(codepipeline={"list_pipeline_executions": refusal(code)}).codepipeline
    removed = code == "PipelineNotFoundException"

    with contextlib.nullcontext() if removed else pytest.raises(ClientError, match=code):
        assert read_deployment_history(client, "p", "e-2", STAGES) == DeploymentHistory()


def collected(folder: Path, found: DeploymentHistory, *not_attested: str) -> tuple[dict[str, str], list[str]]:
    content = (folder / form.RELEASE).read_bytes()
    statement = read_statement(content, read_public_key(SIGNER.pem))
    release = SignedReleaseStatement("", content, statement, BEGAN)
    result, excepted = verify_collected(folder, SIGNER.fingerprint, release, found, not_attested)
    return {problem.file: problem.reason for problem in result.problems}, list(excepted)


def test_the_history_excepts_only_what_the_folder_does_not_have(tmp_path: Path) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    nothing = DeploymentHistory(dict.fromkeys([*STAGES, "elsewhere"], NOT_DEPLOYED))
    assert collected(folder, nothing) == ({}, [])
    (folder / PRODUCTION).unlink()
    (folder / "bundles/deployments/production/1.sigstore.json").unlink()
    write_derived(folder)

    assert collected(folder, nothing) == ({}, ["production"])
    missing = {PRODUCTION: "is missing, but the pipeline deploys to this environment"}
    assert collected(folder, DeploymentHistory()) == (missing, [])
    assert collected(folder, DeploymentHistory(), "production") == ({}, [])


def test_a_statement_that_the_history_names_must_be_there(tmp_path: Path) -> None:
    folder = write_whole_evidence(tmp_path / "whole", SIGNER)
    second = form.name_of_deployment("production", 2)
    found = DeploymentHistory({}, frozenset({STAGING, PRODUCTION, second}))

    assert collected(folder, found) == ({second: "is missing, but the signer reported it to the pipeline"}, [])
