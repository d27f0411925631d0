"""Statements that awacs silently accepts are refused or merged."""

from __future__ import annotations

import re
from typing import Any

import pytest
from awacs import ecr, s3
from awacs.aws import Action, ArnLike, Principal, StringEquals
from troposphere import Ref

from cicd_templates.layer import iam, outputs
from cicd_templates.layer.outputs import BucketName, TableName
from tests.conftest import environment


def rendered(*grants: iam.Grant) -> list[dict[str, Any]]:
    from troposphere import encode_to_dict

    document: dict[str, Any] = encode_to_dict(iam.document(grants))
    assert document["Version"] == "2012-10-17"
    statements: list[dict[str, Any]] = document["Statement"]
    return statements


def test_a_grant_names_actions_and_resources() -> None:
    grant = iam.allow("ReadTheSource", [s3.GetObject], on="arn:aws:s3:::source/*")

    assert rendered(grant) == [
        {
            "Sid": "ReadTheSource",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::source/*"],
        }
    ]
    assert iam.reasons([grant]) == []


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        pytest.param(
            BucketName(Ref("ExportsBucketName")),
            "PutExports: `on` needs an ARN, but a BucketName is not an ARN; use the grants in"
            " cicd_templates.blocks.bucket_access, such as may_put",
            id="bucket",
        ),
        pytest.param(
            TableName("ledger"),
            "PutExports: `on` needs an ARN, but a TableName is not an ARN; publish the ARN of the resource, and"
            " read it here",
            id="table",
        ),
        pytest.param("exports", "PutExports: 'exports' is not an ARN; begin it with arn:, or write *", id="text"),
    ],
)
def test_a_name_is_no_resource_of_a_statement(resource: iam.ResourceArn, message: str) -> None:
    for statement in (iam.allow, iam.deny):
        for on in (resource, ["arn:aws:s3:::exports/*", resource]):
            with pytest.raises(ValueError, match=re.escape(message)):
                statement("PutExports", [s3.PutObject], on=on)


def test_every_kind_of_arn_is_a_resource_of_a_statement() -> None:
    kinds = [kind for kind in vars(outputs).values() if isinstance(kind, type) and kind.__name__.endswith("Arn")]

    assert len(kinds) > 9
    for kind in kinds:
        (statement,) = rendered(iam.allow("Use", [s3.PutObject], on=kind(Ref("Value"))))
        assert statement["Resource"] == [{"Ref": "Value"}]


def test_every_resource_needs_a_reason_and_carries_it() -> None:
    grant = iam.allow("LogIn", [ecr.GetAuthorizationToken], on="*", because="ECR gives a token per account")

    assert iam.reasons([grant]) == ["LogIn names every resource: ECR gives a token per account"]


@pytest.mark.parametrize(
    ("on", "because"),
    [pytest.param("*", "", id="* without reason"), pytest.param("arn:aws:s3:::x", "why", id="reason without *")],
)
def test_a_reason_goes_with_every_resource_and_with_no_other(on: str, because: str) -> None:
    with pytest.raises(ValueError, match="set `because` if a role's policy has the resource"):
        iam.allow("Sid", [s3.GetObject], on=on, because=because)


def test_in_a_resource_policy_every_resource_is_the_one_that_it_is_attached_to() -> None:
    grant = iam.allow("Use", [s3.GetObject], on="*", to=Principal("Service", "x.amazonaws.com"))

    assert rendered(grant)[0]["Principal"] == {"Service": "x.amazonaws.com"}


@pytest.mark.parametrize("action", [Action("s3", "*"), Action("s3", "Get*"), Action("*")])
def test_an_allowed_action_is_never_a_pattern(action: Action) -> None:
    with pytest.raises(ValueError, match="is a pattern; list each action by its name"):
        iam.allow("Sid", [action], on="arn:aws:s3:::x")


def test_a_denial_may_cover_a_pattern() -> None:
    assert rendered(iam.deny("No", [Action("s3", "*")], on="arn:aws:s3:::x"))[0]["Action"] == ["s3:*"]


def test_conditions_of_one_operator_are_merged_and_none_is_lost() -> None:
    grant = iam.deny(
        "No",
        [s3.GetObject],
        on=["arn:aws:s3:::a", "arn:aws:s3:::b"],
        when=[StringEquals({"k1": "1"}), ArnLike({"k2": "2"}), StringEquals({"k3": "3"})],
    )

    assert rendered(grant)[0]["Condition"] == {"StringEquals": {"k1": "1", "k3": "3"}, "ArnLike": {"k2": "2"}}


def test_two_values_for_one_key_of_one_operator_are_refused() -> None:
    with pytest.raises(ValueError, match="No: the condition operator StringEquals has the key k twice"):
        iam.deny("No", [s3.GetObject], on="arn:aws:s3:::a", when=[StringEquals({"k": "1"}), StringEquals({"k": "2"})])


def test_a_sid_has_letters_and_digits_only() -> None:
    with pytest.raises(ValueError, match="only letters and digits"):
        iam.allow("read-it", [s3.GetObject], on="arn:aws:s3:::a")


def test_a_policy_needs_statements_with_distinct_sids() -> None:
    grant = iam.allow("Same", [s3.GetObject], on="arn:aws:s3:::a")

    with pytest.raises(ValueError, match="and different Sids"):
        iam.document([grant, grant])
    with pytest.raises(ValueError, match="at least one statement"):
        iam.document([])


def test_a_role_trusts_one_service_working_for_this_account() -> None:
    from troposphere import encode_to_dict

    (statement,) = encode_to_dict(iam.trust("ecs-tasks", environment(), when=[ArnLike({"aws:SourceArn": "arn:x"})]))[
        "Statement"
    ]

    assert statement == {
        "Sid": "LetEcsTasksAssumeTheRole",
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": ["sts:AssumeRole"],
        "Condition": {
            "StringEquals": {"aws:SourceAccount": "222222222222"},
            "ArnLike": {"aws:SourceArn": "arn:x"},
        },
    }


def test_a_roles_policy_names_its_resources_and_a_resource_policy_may_leave_them_out() -> None:
    with pytest.raises(ValueError, match="a statement in a role's policy needs a resource"):
        iam.allow("Sid", [s3.GetObject], on=[])
    grant = iam.allow("Sid", [s3.GetObject], on=[], to=Principal("Service", "x.amazonaws.com"))

    assert "Resource" not in rendered(grant)[0]
