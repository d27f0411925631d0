"""The role for pull requests can preview changes of existing stacks, and can execute none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

from cicd_templates.errors import ConfigurationError
from templates import LAYERS, previews
from tests.conftest import configured, environment

ALLOWED = [("project/repository", "acme/delivery"), ("environments/staging/pull_requests", True)]
ON_TOOLS = [("project/repository", "acme/delivery"), ("environments/tools/pull_requests", True)]
PLACE = "arn:${AWS::Partition}:cloudformation:eu-central-1:222222222222:stack"
STACK = f"{PLACE}/shipping-staging-network/1"
TAGS = {"aws:ResourceTag/Project": "shipping", "aws:ResourceTag/Environment": "staging"}
NAMED = {"cloudformation:ChangeSetName": "cicd-preview-0123"}
OBJECTS = "arn:${AWS::Partition}:s3:::${UploadsBucketName}"


def role(name: str = "staging", *edits: tuple[str, Any]) -> dict[str, Any]:
    resources = previews.build(environment(name, *(edits or ALLOWED))).template.to_dict()["Resources"]
    properties: dict[str, Any] = resources["PullRequestRole"]["Properties"]
    return properties


def statements(name: str = "staging", *edits: tuple[str, Any]) -> list[dict[str, Any]]:
    (policy,) = role(name, *edits)["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def _text(resource: Any) -> str:
    return str(resource["Fn::Sub"]) if isinstance(resource, dict) else str(resource)


def holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    matching: dict[str, Callable[[str, Any], bool]] = {
        "StringEquals": lambda key, value: context.get(key) in ([value] if isinstance(value, str) else value),
        "StringLike": lambda key, value: fnmatchcase(context.get(key, ""), value),
        "Null": lambda key, value: (key not in context) == (value == "true"),
    }
    return all(matching[operator](key, value) for operator, keys in condition.items() for key, value in keys.items())


def may(action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Return whether the role may call `action` on `resource`: a statement allows the call, and none denies it."""
    effects = {
        statement["Effect"]
        for statement in statements()
        if action in statement["Action"]
        and any(fnmatchcase(resource, _text(each)) for each in statement["Resource"])
        and holds(statement.get("Condition", {}), context)
    }
    return effects == {"Allow"}


@pytest.mark.parametrize(
    ("action", "resource", "context", "allowed"),
    [
        pytest.param("CreateChangeSet", STACK, TAGS | NAMED, True, id="a preview of an existing stack"),
        pytest.param("CreateChangeSet", STACK, NAMED, False, id="a stack that does not exist, so has no tags"),
        pytest.param("CreateChangeSet", STACK, TAGS, False, id="no name of a change set"),
        pytest.param(
            "CreateChangeSet",
            STACK,
            TAGS | {"cloudformation:ChangeSetName": "cicd-templates-0123"},
            False,
            id="the name of a plan's change set",
        ),
        pytest.param(
            "CreateChangeSet", STACK, TAGS | NAMED | {"cloudformation:RoleArn": "arn:x"}, False, id="another role"
        ),
        pytest.param(
            "CreateChangeSet",
            f"{PLACE}/shipping-production-network/1",
            TAGS | NAMED,
            False,
            id="a stack of another environment",
        ),
        pytest.param(
            "CreateChangeSet",
            f"{PLACE}/shipping-staging-2-network/1",
            TAGS | NAMED | {"aws:ResourceTag/Environment": "staging-2"},
            False,
            id="an environment whose name begins alike",
        ),
        pytest.param("DescribeChangeSet", STACK, NAMED, True, id="what a preview shows"),
        pytest.param("DeleteChangeSet", STACK, NAMED, True, id="the end of a preview"),
        pytest.param(
            "DeleteChangeSet", STACK, {"cloudformation:ChangeSetName": "release"}, False, id="a release's change set"
        ),
        pytest.param("GetTemplate", STACK, {}, True, id="the deployed template"),
        pytest.param("DescribeStacks", STACK, {}, True, id="a stack"),
        pytest.param("ExecuteChangeSet", STACK, TAGS | NAMED, False, id="an execution"),
        pytest.param("DeleteStack", STACK, TAGS, False, id="a deletion"),
        pytest.param("UpdateStack", STACK, TAGS, False, id="an update"),
        pytest.param("TagResource", STACK, TAGS, False, id="tags"),
    ],
)
@pytest.mark.no_cover
def test_the_role_previews_and_changes_nothing(
    action: str, resource: str, context: Mapping[str, str], allowed: bool
) -> None:
    assert may(f"cloudformation:{action}", resource, context) is allowed


def test_the_role_passes_no_role_and_reads_values_and_previews_of_its_environment_alone() -> None:
    parameters = "arn:${AWS::Partition}:ssm:eu-central-1:222222222222:parameter/shipping"

    assert may("ssm:GetParameters", f"{parameters}/staging/network/VpcId", {})
    assert not may("ssm:GetParameters", f"{parameters}/production/network/VpcId", {})
    assert not may("ssm:PutParameter", f"{parameters}/staging/lock", {})
    assert may("s3:PutObject", f"{OBJECTS}/previews/a/b.yaml", {})
    assert not may("s3:PutObject", f"{OBJECTS}/templates/a/b.yaml", {})
    assert not may("s3:GetObject", f"{OBJECTS}/templates/a/b.yaml", {})
    assert not may("iam:PassRole", "arn:aws:iam::222222222222:role/x", {})
    assert "ChangeNothing" in {each["Sid"] for each in statements() if each["Effect"] == "Deny"}


def test_only_tokens_of_pull_requests_in_this_repository_are_trusted() -> None:
    (trust,) = role()["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:acme/delivery:pull_request",
        }
    }
    assert trust["Principal"]["Federated"]["Fn::Sub"].endswith(
        ":iam::222222222222:oidc-provider/token.actions.githubusercontent.com"
    )


def test_ids_of_ec2_are_checked_only_in_runtime_environments() -> None:
    runtime, tools = statements("staging"), statements("tools", *ON_TOOLS)

    assert {each["Sid"] for each in runtime} - {each["Sid"] for each in tools} == {"LetCloudFormationCheckIds"}


def test_the_layer_exists_only_where_it_is_asked_for_and_never_in_a_copy() -> None:
    (layer,) = (layer for layer in LAYERS if layer.name == "previews")

    assert layer.exists(environment("staging", *ALLOWED))
    assert not layer.exists(environment("production", *ALLOWED))
    assert not layer.exists(environment("staging", *ALLOWED, suffix="pr1"))


def test_pull_requests_cannot_assume_the_role_of_a_deployer() -> None:
    role_arn = ("environments/staging/role_arn", "arn:aws:iam::222222222222:role/deployer")
    with pytest.raises(ConfigurationError, match=r"environments\.staging\.pull_requests: cannot be used with role_arn"):
        configured(*ALLOWED, role_arn)


def test_pull_requests_need_the_repository_of_the_project() -> None:
    with pytest.raises(ConfigurationError) as refused:
        configured(ALLOWED[1])
    assert (
        'environments.staging.pull_requests: needs the repository of this project; write repository = "owner/name"'
        in str(refused.value)
    )
