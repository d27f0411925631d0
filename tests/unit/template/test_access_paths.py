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
        ("STS:assumerolewithwebidentity", "assumes", False),
        ("sts:*", "assumes", False),
        ("sts:A?sume*", "assumes", False),
        ("sts:GetCallerIdentity", "reads", False),
        ("sts:TagSession", "writes", False),
        ("S3:getObject", "reads", True),
        ("KMS:DECRYPT", "reads", True),
        ("ECS:updateservice", "deploys", False),
        ("dynamo*:GetItem", "reads", True),
        ("?3:PutObject", "writes", True),
        ("s3", "can do what cannot be read with", True),
        ({"Fn::If": ["C", "s3:GetObject", "sqs:SendMessage"]}, "can do what cannot be read with", True),
        ({"Ref": "Actions"}, "can do what cannot be read with", True),
        ("s3:*", "writes", True),
        ("*", "writes", True),
        ("custom:Thing", "writes", False),
    ],
)
def test_an_action_is_a_right(action: Any, right: str, is_data: bool) -> None:
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
        (
            role({"Effect": {"Ref": "Effect"}, "Action": "s3:GetObject", "Resource": OBJECTS}),
            [("stack/R", "reads", "s3:::bucket/*", True, "new")],
        ),
        (
            role({"Effect": {"Ref": "Effect"}, "Action": "ecs:UpdateService", "Resource": "*"}),
            [("stack/R", "deploys", "*", False, "new")],
        ),
        (
            {"Type": "AWS::S3::BucketPolicy", "Properties": {"PolicyDocument": {"Ref": "Policy"}}},
            [("stack/R", "can do what cannot be read with", "Policy", True, "new")],
        ),
        (
            {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"],
                    "PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess",
                },
            },
            [("stack/R", "can do what cannot be read with", "iam::aws:policy/AdministratorAccess", True, "new")],
        ),
    ],
    ids=[
        *("a denial", "all but", "a trust policy", "a key policy", "all principals but", "a permission"),
        *("a computed effect on data", "a computed effect", "a policy that cannot be read", "a managed policy"),
    ],
)
def test_each_form_of_a_statement_has_its_paths(resource: dict[str, Any], expected: list[Any]) -> None:
    assert paths(None, resource) == expected
