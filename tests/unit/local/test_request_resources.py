"""The resources, headers and passed roles of a request that the engine does not find itself."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest

from cicd_templates.local.request_resources import Requests

TAGS = {"keys": {"Project": "shipping"}}
ALIAS = "arn:aws:kms:eu-central-1:222222222222:alias/signing"
KEYS = {ALIAS: "arn:aws:kms:eu-central-1:222222222222:key/1"}
STACKS = {"arn:c": "arn:aws:cloudformation:x:stack/keys/1"}


def requests() -> tuple[Requests, ModuleType]:
    actions = ModuleType("iam_actions")
    actions.extract_resource_arn = lambda *request: "theirs"  # type: ignore[attr-defined]
    actions._s3_object_context = lambda *request: {"s3:x": "1"}  # type: ignore[attr-defined]
    actions._query_param = lambda query, name: query.get(name, "")  # type: ignore[attr-defined]
    actions.request_tag_context = lambda *request: {"aws:TagKeys": []}  # type: ignore[attr-defined]
    made = Requests(
        actions,
        lambda definition: [f"{definition}-execution", f"{definition}-task"],
        lambda change_set: STACKS.get(change_set, ""),
        lambda stack: TAGS.get(stack, {}),
        lambda alias: KEYS.get(alias, ""),
    )
    made.listen()
    return made, actions


def resource(actions: ModuleType, service: str, operation: str, body: Any, query: Any = None) -> str:
    headers = {"x-amz-target": f"Service.{operation}"}
    request = ("POST", "/", headers, json.dumps(body).encode(), query or {}, "eu-central-1", "111111111111")
    return str(actions.extract_resource_arn(service, *request))


@pytest.mark.parametrize(
    ("service", "operation", "body", "expected"),
    [
        ("codebuild", "BatchGetBuilds", {"ids": ["p:1"]}, "arn:aws:codebuild:eu-central-1:111111111111:project/p"),
        ("codebuild", "StopBuild", {"id": "arn:x:build/p:1"}, "arn:aws:codebuild:eu-central-1:111111111111:project/p"),
        (
            "logs",
            "PutLogEvents",
            {"logGroupName": "/a", "logStreamName": "s"},
            "arn:aws:logs:eu-central-1:111111111111:log-group:/a:log-stream:s",
        ),
        (
            "codepipeline",
            "StartPipelineExecution",
            {"name": "p"},
            "arn:aws:codepipeline:eu-central-1:111111111111:p",
        ),
        (
            "codepipeline",
            "ListActionExecutions",
            {"pipelineName": "p"},
            "arn:aws:codepipeline:eu-central-1:111111111111:p",
        ),
        (
            "ecs",
            "UpdateService",
            {"cluster": "c", "service": "arn:aws:ecs:eu-central-1:111111111111:service/c/s"},
            "arn:aws:ecs:eu-central-1:111111111111:service/c/s",
        ),
        ("ecs", "UpdateService", {"cluster": "c", "service": "s"}, "theirs"),
        ("ssm", "GetParameters", {"Names": ["/p/a", "/p/b"]}, "arn:aws:ssm:eu-central-1:111111111111:parameter/p/a"),
        ("ssm", "GetParametersByPath", {"Path": "/p/"}, "arn:aws:ssm:eu-central-1:111111111111:parameter/p/"),
        (
            "codepipeline",
            "GetPipelineState",
            {"name": "p"},
            "arn:aws:codepipeline:eu-central-1:111111111111:p",
        ),
        (
            "ecs",
            "RunTask",
            {"taskDefinition": "arn:aws:ecs:eu-central-1:111111111111:task-definition/f:7", "cluster": "c"},
            "arn:aws:ecs:eu-central-1:111111111111:task-definition/f:7",
        ),
        (
            "ecs",
            "DescribeTasks",
            {"tasks": ["arn:aws:ecs:eu-central-1:111111111111:task/c/1"]},
            "arn:aws:ecs:eu-central-1:111111111111:task/c/1",
        ),
        ("ecs", "ListTasks", {"cluster": "c"}, "theirs"),
        (
            "monitoring",
            "DescribeAlarms",
            {"AlarmNames": ["errors"]},
            "arn:aws:cloudwatch:eu-central-1:111111111111:alarm:errors",
        ),
        ("monitoring", "DescribeAlarms", {}, "theirs"),
        ("codebuild", "StartBuild", {"projectName": "p"}, "theirs"),
        (
            "ecs",
            "DescribeServiceRevisions",
            {"serviceRevisionArns": ["arn:aws:ecs:eu-central-1:111111111111:service-revision/c/s/1"]},
            "arn:aws:ecs:eu-central-1:111111111111:service-revision/c/s/1",
        ),
        ("kms", "Verify", {"KeyId": ALIAS}, KEYS[ALIAS]),
        ("kms", "Verify", {"KeyId": "alias/none"}, "arn:aws:kms:eu-central-1:111111111111:alias/none"),
        ("kms", "Verify", {"KeyId": KEYS[ALIAS]}, "theirs"),
    ],
)
def test_a_resource_is_named_as_policies_name_it(service: str, operation: str, body: Any, expected: str) -> None:
    _, actions = requests()

    assert resource(actions, service, operation, body) == expected


def test_a_repository_belongs_to_the_registry_that_the_request_names() -> None:
    _, actions = requests()
    made = Requests(actions, lambda _: [], lambda _: "", lambda _: {}, lambda _: "")
    made._resource_of = lambda *request: f"of {request[-1]}"
    made.listen()

    assert resource(actions, "ecr", "DescribeImageScanFindings", {"registryId": "222222222222"}) == "of 222222222222"
    assert resource(actions, "ecr", "DescribeImages", {}) == "of 111111111111"


@pytest.mark.parametrize(
    ("key", "keys"),
    [(ALIAS, {"kms:RequestAlias": "alias/signing"}), (KEYS[ALIAS], {}), ("alias/a", {"kms:RequestAlias": "alias/a"})],
)
def test_a_request_that_names_a_key_by_an_alias_has_a_condition_key_for_it(key: str, keys: dict[str, str]) -> None:
    _, actions = requests()

    resource(actions, "kms", "Verify", {"KeyId": key})
    assert actions.request_tag_context("kms") == {"aws:TagKeys": [], **keys}


def test_a_role_is_passed_by_cloudformation_and_once() -> None:
    made, actions = requests()

    assert made.passed() == []
    resource(actions, "cloudformation", "", {}, {"RoleARN": "arn:role"})
    assert (made.passed(), made.passed()) == ([("arn:role", "cloudformation.amazonaws.com")], [])
    resource(actions, "s3", "", {}, {"RoleARN": "arn:role"})
    assert made.passed() == []


def test_a_task_gets_both_roles_and_its_cluster_is_a_condition_key() -> None:
    made, actions = requests()
    definition = "arn:aws:ecs:eu-central-1:1:task-definition/f:7"

    resource(actions, "ecs", "RunTask", {"taskDefinition": definition, "cluster": "c"})
    assert made.passed() == [(f"{definition}-{role}", "ecs-tasks.amazonaws.com") for role in ("execution", "task")]
    cluster = {"ecs:cluster": "arn:aws:ecs:eu-central-1:111111111111:cluster/c"}
    assert actions.request_tag_context("ecs", "ecs:RunTask", b"", {}) == {"aws:TagKeys": [], **cluster}
    resource(actions, "sqs", "SendMessage", {})
    assert actions.request_tag_context("sqs", "sqs:SendMessage", b"", {}) == {"aws:TagKeys": []}


def test_headers_of_a_put_are_condition_keys() -> None:
    _, actions = requests()
    name = "x-amz-server-side-encryption-aws-kms-key-id"
    headers = {name: "key", "other": "1"}

    assert actions._s3_object_context("s3:PutObject", {}, "/b/k", headers) == {"s3:x": "1", f"s3:{name}": "key"}
    assert actions._s3_object_context("s3:GetObject", {}, "/b/k", headers) == {"s3:x": "1"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({"ChangeSetName": "arn:c"}, "arn:aws:cloudformation:x:stack/keys/1", id="by its ARN alone"),
        pytest.param({"ChangeSetName": "arn:c", "StackName": "keys"}, "theirs", id="with its stack"),
        pytest.param({"ChangeSetName": "arn:other"}, "theirs", id="an unknown one"),
        pytest.param({}, "theirs", id="none"),
    ],
)
def test_a_change_set_that_is_named_by_its_arn_alone_is_a_resource_of_its_stack(
    query: dict[str, str], expected: str
) -> None:
    _, actions = requests()

    assert resource(actions, "cloudformation", "DescribeChangeSet", {}, query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({"StackName": "keys"}, {"aws:ResourceTag/Project": "shipping"}, id="its tags"),
        pytest.param({"StackName": STACKS["arn:c"]}, {"aws:ResourceTag/Project": "shipping"}, id="by its ARN"),
        pytest.param({"StackName": "new"}, {}, id="no stack yet"),
        pytest.param(
            {"StackName": "new", "ChangeSetName": "c", "RoleARN": "arn:role"},
            {"cloudformation:ChangeSetName": "c", "cloudformation:RoleArn": "arn:role"},
            id="a change set and a role",
        ),
        pytest.param({"StackName": "new", "ChangeSetName": "arn:c"}, {}, id="a change set by its ARN"),
    ],
)
def test_a_stack_sets_the_condition_keys_of_cloudformation(query: dict[str, str], expected: dict[str, str]) -> None:
    _, actions = requests()
    resource(actions, "cloudformation", "", {}, query)

    found = actions.request_tag_context("cloudformation", "cloudformation:CreateChangeSet", b"", query)
    assert found == {"aws:TagKeys": [], **expected}
