"""Granted actions, compared with the actions that were used."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cicd_templates.rehearsal import deployed_pipeline
from cicd_templates.rehearsal.grants import GrantUse, measure_grants, read_roles, role_name, unexplained_grants
from cicd_templates.rehearsal.unused_grants import CALLS, reason_for
from tests.projects.rendering import rendered_project


def role(name: str, service: str, *statements: dict[str, Any]) -> dict[str, Any]:
    trust = {"Statement": [{"Principal": {"Service": f"{service}.amazonaws.com"}}, {"Principal": {"AWS": "arn"}}]}
    policies = [{"PolicyDocument": {"Statement": list(statements)}}]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"RoleName": name, "AssumeRolePolicyDocument": trust, "Policies": policies},
    }


def allow(sid: str, *actions: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": ["*"]}


TEMPLATE = {
    "Resources": {
        "Work": role("work", "codebuild", allow("Read", "s3:GetObject", "s3:PutObject"), allow("Log", "logs:Put")),
        "Idle": role("idle", "lambda", allow("Read", "s3:GetObject")),
        "Deep": role("deep", "cloudformation", {**allow("Make"), "Action": "ecs:CreateService"}),
        "Nameless": {"Type": "AWS::IAM::Role", "Properties": {}},
        "More": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "Roles": [{"Ref": "Work"}],
                "PolicyDocument": {
                    "Statement": [allow("Act", "sts:AssumeRole"), {**allow("No", "a:B"), "Effect": "Deny"}]
                },
            },
        },
    }
}
SESSION = "arn:aws:sts::1:assumed-role/work/session"
ROWS = [
    [SESSION, "s3:GetObject", "arn:x", "allowed", "Read"],
    [SESSION, "s3:GetObject", "arn:y", "allowed", "Read"],
    [SESSION, "s3:PutObject", "arn:x", "denied", ""],
    ["arn:aws:iam::1:role/work", "logs:Put", "arn:x", "allowed", "Log"],
]


def test_calls_are_counted_by_the_statement_that_allowed_them() -> None:
    found = measure_grants(read_roles(TEMPLATE, "tools"), ROWS)

    assert [(each.role, each.statement, each.action, each.calls, each.use) for each in found] == [
        ("work", "Read", "s3:GetObject", 2, GrantUse.USED),
        ("work", "Read", "s3:PutObject", 0, GrantUse.UNUSED),
        ("work", "Log", "logs:Put", 1, GrantUse.USED),
        ("work", "Act", "sts:AssumeRole", 0, GrantUse.UNUSED),
        ("idle", "Read", "s3:GetObject", 0, GrantUse.NOT_PART),
        ("deep", "Make", "ecs:CreateService", 0, GrantUse.NOT_MEASURED),
    ]
    assert [each.action for each in unexplained_grants(found)] == ["s3:PutObject", "sts:AssumeRole"]


@pytest.mark.parametrize(
    ("principal", "expected"),
    [(SESSION, "work"), ("arn:aws:iam::1:role/path/work", "work"), ("arn:aws:iam::1:role/work", "work")],
)
def test_a_session_is_of_its_role(principal: str, expected: str) -> None:
    assert role_name(principal) == expected


def test_the_first_reason_that_fits_counts() -> None:
    assert "variables" in reason_for("a-function", "UseTheKey", "kms:Encrypt")
    assert "artifact store" in reason_for("a-build", "UseTheKey", "kms:Encrypt")
    assert reason_for("a-build", "ReadTheSource", "s3:GetObject") == ""


@pytest.mark.parametrize(
    ("role", "statement", "action", "expected"),
    [
        ("shop-staging-till-execution", "PullTheImage", "ecr:BatchGetImage", "needed to pull the image of a task"),
        ("shop-staging-till-execution", "WriteTheLog", "logs:PutLogEvents", "used if the task prints something"),
        ("shop-staging-till-execution", "WriteTheLog", "logs:CreateLogStream", ""),
        (
            "shop-tools-till-stuck-function",
            "WriteTheLog",
            "logs:CreateLogStream",
            "but an EventBridge rule starts this function",
        ),
        (
            "shop-tools-till-measure-function",
            "WriteTheLog",
            "logs:PutLogEvents",
            "but an EventBridge rule starts this function",
        ),
        ("shop-tools-till-scan-gate-function", "WriteTheLog", "logs:PutLogEvents", ""),
        ("shop-staging-till-execution", "DecryptThem", "kms:Decrypt", "decrypts parameters"),
        ("shop-staging-till-execution", "ReadItsSecrets", "secretsmanager:GetSecretValue", ""),
        # The role of CloudFormation, whose service has another name.
        ("shop-staging-delivery-execution-till", "GiveEcsItsRoles", "iam:PassRole", ""),
        (
            "shop-staging-till-task",
            "ReadAndWriteOrders",
            "dynamodb:Query",
            "reads the items of a partition key; this run did not do that",
        ),
        ("shop-staging-till-task", "EncryptOrders", "kms:Encrypt", "DynamoDB uses the key"),
        ("shop-staging-till-task", "EncryptForPaid", "kms:GenerateDataKey", "SQS uses the key"),
        ("shop-staging-till-task", "DecryptFromPaid", "kms:Decrypt", "SQS uses the key"),
        (
            "shop-staging-till-migration-task",
            "ReadAndWriteOrders",
            "dynamodb:Query",
            "a migration gets all permissions",
        ),
        ("shop-staging-till-task", "ReceiveFromPaid", "sqs:ChangeMessageVisibility", "gives a task more time"),
        ("shop-staging-till-task", "ConnectToLedger", "rds-db:connect", "connect to a database"),
        ("shop-staging-till-task", "RecordTheSession", "logs:PutLogEvents", "ECS Exec"),
        ("shop-tools-till-approval-check-function", "ReadTheNewestTemplates", "s3:GetObject", "unsigned_images"),
        ("shop-tools-till-approval-check-function", "RecordUnsignedImages", "s3:PutObject", "unsigned_images"),
        ("shop-tools-till-approval-check-function", "TellSecurityOfUnsignedImages", "sns:Publish", "unsigned_images"),
        ("shop-tools-till-approval-check-function", "TellSecurityOfOtherThings", "sns:Publish", ""),
        ("shop-staging-till-task", "OfAnOwnLayer", "s3:GetObject", ""),
    ],
)
def test_an_unused_right_of_a_task_has_a_reason_or_is_reported(
    role: str, statement: str, action: str, expected: str
) -> None:
    reason = reason_for(role, statement, action)

    assert expected in reason
    assert bool(expected) == bool(reason)


@pytest.mark.no_cover
def test_each_call_that_uses_allows_has_a_reason_of_its_own() -> None:
    stacks = deployed_pipeline.read_every_stack(rendered_project("settlement") / "out")
    roles = [role for stack in stacks for role in read_roles(stack.content, stack.environment)]
    tasks = [role for role in roles if re.fullmatch(r"clearing-staging-.*(?<!migration)-task", role.name)]
    granted = {action for role in tasks for _, actions in role.statements for action in actions}
    calls = {action for action in granted if action.startswith(("dynamodb:", "sqs:"))}

    assert len(tasks) == 3
    assert calls == CALLS.keys()
    assert len({reason_for(tasks[0].name, "Any", action) for action in calls}) == len(calls)
