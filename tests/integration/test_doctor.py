"""The doctor on the local AWS."""

from __future__ import annotations

import json

import pytest

from cicd_templates.deploy.doctor import ECS_ROLE
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration


def test_the_doctor_says_what_to_mend_and_then_that_all_is_well(project: Project) -> None:
    ill = project.type("doctor --env all --local")
    assert ill.exit_code == 1
    assert "fix  ECS role: AWSServiceRoleForECS is missing" in ill.output
    assert "error: 2 to fix before deploying" in ill.output

    for environment in ("staging", "production"):
        project.clients(environment).iam.create_role(RoleName=ECS_ROLE, AssumeRolePolicyDocument="{}")
    assert "ok   ECS role" in project.ok("doctor --env all --local")
    checks = json.loads(project.ok("doctor --env staging --local --json"))["staging"]
    assert [check["fix"] for check in checks] == [""] * 5


def test_the_doctor_without_credentials_says_how_to_get_them(project: Project) -> None:
    result = project.type("doctor --env staging")

    assert result.exit_code == 1
    assert "no AWS credentials; either name `profile`" in result.output


@pytest.mark.parametrize("command", ["deploy --yes", "plan", "status", "outputs", "destroy --yes"])
def test_no_verb_reaches_for_aws_without_credentials_or_falls_back_to_the_local_one(
    project: Project, command: str
) -> None:
    result = project.type(f"{command} --env staging")

    assert result.exit_code == 1
    assert result.output.startswith("error: no AWS credentials; either name `profile`")
    assert "LOCAL=1" in result.output


def test_credentials_of_another_account_are_refused_before_anything_else(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cicd_templates import targets
    from cicd_templates.deploy.clients import local_clients

    monkeypatch.setattr(
        targets, "local_clients", lambda url, account, region: local_clients(url, "999999999999", region)
    )
    result = project.type("deploy --env staging --local --yes")

    assert result.exit_code == 3
    assert "the credentials are for account 999999999999" in result.output


def test_what_a_destroyed_protected_environment_kept_is_in_the_way_of_the_next_one(project: Project) -> None:
    for layer in ("keys", "registry"):
        project.ok(f"deploy --env tools --layer {layer} --local --yes")
    project.ok("destroy --env tools --local --yes --allow tools")
    result = project.type("doctor --env tools --local")

    assert result.exit_code == 1
    assert "fix  AWS::ECR::Repository payments-tools-payment-processor: exists, but registry-payment-processor" in (
        result.output
    )
