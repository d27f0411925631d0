"""Policies as paths: who may do what with which resource, before and after a change."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.template.access_paths import changed_paths

OBJECTS = {"Fn::Sub": "arn:${AWS::Partition}:s3:::bucket/*"}


def role(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": {"Statement": list(statements)}}]}}


def allow(action: Any, resource: Any = OBJECTS, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def paths(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[tuple[str, str, str, bool, str]]:
    found = changed_paths("stack", "R", {"R": before} if before else {}, {"R": after} if after else {})
    return [(path.principal, path.right, path.target, path.is_data, path.change) for path in found]


def test_a_path_is_new_gone_or_the_same() -> None:
    before, after = (
        role(allow(["s3:GetObject", "s3:DeleteObject"])),
        role(allow(["s3:GetObject", "sqs:SendMessage"], "*")),
    )
    kept = role(allow("s3:GetObject"))

    assert paths(before, kept) == [
        ("stack/R", "reads", "s3:::bucket/*", True, "same"),
        ("stack/R", "writes", "s3:::bucket/*", True, "gone"),
    ]
    assert paths(None, after) == [("stack/R", "reads", "*", True, "new"), ("stack/R", "writes", "*", True, "new")]
    assert paths(kept, None) == [("stack/R", "reads", "s3:::bucket/*", True, "gone")]


@pytest.mark.parametrize(
    ("action", "right", "is_data"),
    [
        ("dynamodb:BatchGetItem", "reads", True),
        ("kms:Decrypt", "reads", True),
        ("kms:CreateGrant", "writes", True),
        ("rds-db:connect", "writes", True),
        ("ecs:DescribeServices", "reads", False),
        ("ecs:UpdateService", "deploys", False),
        ("cloudformation:ExecuteChangeSet", "deploys", False),
        ("cloudformation:DescribeStacks", "reads", False),
        ("iam:PassRole", "assumes", False),
        ("sts:AssumeRole", "assumes", False),
        ("s3:*", "writes", True),
        ("*", "writes", True),
        ("custom:Thing", "writes", False),
    ],
)
def test_an_action_is_a_right(action: str, right: str, is_data: bool) -> None:
    assert paths(None, role(allow(action))) == [("stack/R", right, "s3:::bucket/*", is_data, "new")]


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (role({"Effect": "Deny", "Action": "s3:*", "Resource": "*"}), []),
        (
            role({"Effect": "Allow", "NotAction": "iam:*", "NotResource": [OBJECTS]}),
            [("stack/R", "writes", "everything but s3:::bucket/*", True, "new")],
        ),
        (
            {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Principal": {"Service": "ecs.amazonaws.com", "AWS": [{"Ref": "Other"}]},
                                "Action": "sts:AssumeRole",
                            }
                        ]
                    }
                },
            },
            [
                ("ecs.amazonaws.com", "assumes", "stack/R", False, "new"),
                ("Other", "assumes", "stack/R", False, "new"),
            ],
        ),
        (
            {
                "Type": "AWS::KMS::Key",
                "Properties": {"KeyPolicy": {"Statement": [allow("kms:Decrypt", "*", Principal="*")]}},
            },
            [("*", "reads", "stack/R", True, "new")],
        ),
        (
            {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {
                    "PolicyDocument": {
                        "Statement": [allow("s3:GetObject", NotPrincipal={"AWS": "arn:aws:iam::1:root"})]
                    }
                },
            },
            [("everybody but iam::1:root", "reads", "s3:::bucket/*", True, "new")],
        ),
        (
            {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "Action": "lambda:InvokeFunction",
                    "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
                    "Principal": "events.amazonaws.com",
                },
            },
            [("events.amazonaws.com", "writes", "Function.Arn", False, "new")],
        ),
    ],
    ids=["a denial", "all but", "a trust policy", "a key policy", "all principals but", "a permission"],
)
def test_each_form_of_a_statement_has_its_paths(resource: dict[str, Any], expected: list[Any]) -> None:
    assert paths(None, resource) == expected
