"""The type of a principal follows from the policy, and its trust from the account number."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.review.principals import ANYONE, Kind, Principal, is_outside, parse_principals

OWN, OTHER = "100000000001", "100000000002"
ROLE = f"arn:aws:iam::{OTHER}:role/account-tools"


@pytest.mark.parametrize(
    ("value", "principal", "outside"),
    [
        pytest.param("*", ANYONE, True, id="anyone"),
        pytest.param({"AWS": "*"}, ANYONE, True, id="anyone with credentials"),
        pytest.param({"AWS": OWN}, Principal(Kind.ACCOUNT, OWN, OWN), False, id="own account by number"),
        pytest.param(
            {"AWS": f"arn:aws:iam::{OTHER}:root"},
            Principal(Kind.ACCOUNT, OTHER, OTHER),
            True,
            id="other account by ARN",
        ),
        pytest.param(
            {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
            Principal(Kind.ACCOUNT, OWN, OWN),
            False,
            id="own",
        ),
        pytest.param(
            {"AWS": {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::{OTHER}:root"}},
            Principal(Kind.ACCOUNT, OTHER, OTHER),
            True,
            id="substituted",
        ),
        pytest.param({"AWS": [ROLE]}, Principal(Kind.ARN, ROLE, OTHER), True, id="role of another account"),
        pytest.param(
            {"AWS": {"Fn::Sub": ["arn:aws:iam::${AWS::AccountId}:role/${R}", {"R": "x"}]}},
            Principal(Kind.ARN, f"arn:aws:iam::{OWN}:role/${{R}}", OWN),
            False,
            id="own role",
        ),
        pytest.param(
            {"AWS": {"Fn::GetAtt": ["Role", "Arn"]}}, Principal(Kind.OWN, "${Role.Arn}"), False, id="own resource"
        ),
        pytest.param({"Ref": "RoleArn"}, Principal(Kind.OWN, "${RoleArn}"), False, id="own parameter"),
        pytest.param(
            {"Service": "account x.amazonaws.com"},
            Principal(Kind.SERVICE, "account x.amazonaws.com"),
            False,
            id="service",
        ),
        pytest.param({"Federated": "idp"}, Principal(Kind.FEDERATED, "idp"), True, id="identity provider"),
        pytest.param({"CanonicalUser": "7"}, Principal(Kind.OTHER, "CanonicalUser 7"), True, id="unknown kind"),
        pytest.param({"AWS": "AIDA"}, Principal(Kind.OTHER, "AIDA"), True, id="neither number nor ARN"),
        pytest.param(
            {"AWS": f"arn:aws:iam::{OWN}"}, Principal(Kind.OTHER, f"arn:aws:iam::{OWN}"), True, id="ARN that is cut off"
        ),
    ],
)
def test_a_principal_is_inside_or_outside_by_its_account(value: Any, principal: Principal, outside: bool) -> None:
    (parsed,) = parse_principals(value, OWN)

    assert parsed == principal
    assert is_outside(parsed, OWN) == outside


def test_every_principal_of_every_kind_is_listed() -> None:
    assert list(parse_principals([{"Ref": "A"}, "*"], OWN)) == [Principal(Kind.OWN, "${A}"), ANYONE]
    assert list(parse_principals({"AWS": [OWN, "*"], "Service": ["a", "b"]}, OWN)) == [
        Principal(Kind.ACCOUNT, OWN, OWN),
        ANYONE,
        Principal(Kind.SERVICE, "a"),
        Principal(Kind.SERVICE, "b"),
    ]
