"""The type of a principal follows from the policy, and its trust from the account number."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.review.principals import (
    AccountPrincipal,
    Anyone,
    ArnPrincipal,
    FederatedPrincipal,
    OtherPrincipal,
    OwnPrincipal,
    Principal,
    ServicePrincipal,
    is_outside,
    parse_principals,
)

OWN, OTHER = "100000000001", "100000000002"
ROLE = f"arn:aws:iam::{OTHER}:role/account-tools"


@pytest.mark.parametrize(
    ("value", "principal", "outside"),
    [
        pytest.param("*", Anyone(), True, id="anyone"),
        pytest.param({"AWS": "*"}, Anyone(), True, id="anyone with credentials"),
        pytest.param({"AWS": OWN}, AccountPrincipal(OWN), False, id="own account by number"),
        pytest.param({"AWS": f"arn:aws:iam::{OTHER}:root"}, AccountPrincipal(OTHER), True, id="other account by ARN"),
        pytest.param(
            {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
            AccountPrincipal(OWN),
            False,
            id="own",
        ),
        pytest.param(
            {"AWS": {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::{OTHER}:root"}},
            AccountPrincipal(OTHER),
            True,
            id="substituted",
        ),
        pytest.param({"AWS": [ROLE]}, ArnPrincipal(OTHER, ROLE), True, id="role of another account"),
        pytest.param(
            {"AWS": {"Fn::Sub": ["arn:aws:iam::${AWS::AccountId}:role/${R}", {"R": "x"}]}},
            ArnPrincipal(OWN, f"arn:aws:iam::{OWN}:role/${{R}}"),
            False,
            id="own role",
        ),
        pytest.param({"AWS": {"Fn::GetAtt": ["Role", "Arn"]}}, OwnPrincipal("${Role.Arn}"), False, id="own resource"),
        pytest.param({"Ref": "RoleArn"}, OwnPrincipal("${RoleArn}"), False, id="own parameter"),
        pytest.param(
            {"Service": "account x.amazonaws.com"}, ServicePrincipal("account x.amazonaws.com"), False, id="service"
        ),
        pytest.param({"Federated": "idp"}, FederatedPrincipal("idp"), True, id="identity provider"),
        pytest.param({"CanonicalUser": "7"}, OtherPrincipal("CanonicalUser", "7"), True, id="unknown kind"),
        pytest.param({"AWS": "AIDA"}, OtherPrincipal("AWS", "AIDA"), True, id="neither number nor ARN"),
        pytest.param(
            {"AWS": f"arn:aws:iam::{OWN}"}, OtherPrincipal("AWS", f"arn:aws:iam::{OWN}"), True, id="ARN that is cut off"
        ),
    ],
)
def test_a_principal_is_inside_or_outside_by_its_account(value: Any, principal: Principal, outside: bool) -> None:
    (parsed,) = parse_principals(value, OWN)

    assert parsed == principal
    assert is_outside(parsed, OWN) == outside


def test_every_principal_of_every_kind_is_listed() -> None:
    assert list(parse_principals([{"Ref": "A"}, "*"], OWN)) == [OwnPrincipal("${A}"), Anyone()]
    assert list(parse_principals({"AWS": [OWN, "*"], "Service": ["a", "b"]}, OWN)) == [
        AccountPrincipal(OWN),
        Anyone(),
        ServicePrincipal("a"),
        ServicePrincipal("b"),
    ]
