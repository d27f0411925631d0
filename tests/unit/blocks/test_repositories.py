"""ECR repositories, and the principals of other accounts that may pull from them."""

from __future__ import annotations

from typing import Any

import pytest

from templates import registry, service
from tests.conftest import environment

TOOLS = "environments/tools"


def images(*edits: tuple[str, Any]) -> dict[str, Any]:
    env = environment("tools", *edits)
    resource: dict[str, Any] = registry.build(env, env.services[0]).template.to_dict()["Resources"]["Images"][
        "Properties"
    ]
    return resource


def pullers(*edits: tuple[str, Any]) -> list[str]:
    (statement,) = images(*edits)["RepositoryPolicyText"]["Statement"]
    assert "Resource" not in statement
    roles: list[dict[str, str]] = statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]
    return [role["Fn::Sub"].replace("${AWS::Partition}", "aws") for role in roles]


def test_tags_are_immutable_and_every_pushed_image_is_scanned() -> None:
    assert images()["ImageTagMutability"] == "IMMUTABLE"
    assert images()["ImageScanningConfiguration"] == {"ScanOnPush": True}


@pytest.mark.parametrize("edits", [[], [("environments/staging/role_path", "/delivery/")]], ids=["plain", "role path"])
def test_only_the_execution_roles_of_the_runtime_environments_may_pull(edits: list[tuple[str, Any]]) -> None:
    expected = []
    for name in ("staging", "production"):
        env = environment(name, *edits)
        role = service.build(env, env.services[0]).template.to_dict()["Resources"]["ExecutionRole"]["Properties"]
        expected.append(f"arn:aws:iam::{env.account}:role{env.settings.role_path}{role['RoleName']}")

    assert pullers(*edits) == expected


def test_the_execution_role_pulls_from_that_repository_and_no_other() -> None:
    env = environment("staging")
    role = service.build(env, env.services[0]).template.to_dict()["Resources"]["ExecutionRole"]
    statements = {each["Sid"]: each for each in role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]}

    (arn,) = statements["PullTheImage"]["Resource"]
    assert arn["Fn::Sub"].endswith(f"eu-central-1:111111111111:repository/{images()['RepositoryName']}")
    assert statements["LogInToTheRegistry"]["Resource"] == ["*"]
    assert any("supports no resource-level permissions" in why for why in role["Metadata"]["Why"])


def test_a_disposable_registry_can_be_emptied_with_its_stack() -> None:
    assert "EmptyOnDelete" not in images()
    assert images((f"{TOOLS}/protection", "disposable"))["EmptyOnDelete"] is True


def test_without_a_runtime_environment_nobody_may_pull() -> None:
    from cicd_templates.blocks.repositories import repository
    from cicd_templates.layer.outputs import KeyArn

    env = environment("tools")
    assert "RepositoryPolicyText" not in repository("Images", env, env.services[0], KeyArn("k"), []).properties
