"""Statements are found in every form of a policy, and an unreadable part is reported as unreadable."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cicd_templates.template.iam_statements import UNREADABLE, find_statements

ALL: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
READ: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "x"}
NOTHING = {"Ref": "AWS::NoValue"}
TEXT = json.dumps({"Statement": [READ, ALL]})


def unreadable(value: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": UNREADABLE, "Resource": value}


@pytest.mark.parametrize(
    ("properties", "found"),
    [
        pytest.param({"PolicyDocument": {"Statement": [READ, ALL]}}, [READ, ALL], id="a list"),
        pytest.param({"PolicyDocument": {"Statement": ALL}}, [ALL], id="a single statement"),
        pytest.param({"PolicyDocument": {"Statement": [READ, ALL, NOTHING]}}, [READ, ALL], id="beside nothing"),
        pytest.param({"PolicyDocument": {"Statement": [{"Fn::If": ["C", ALL, NOTHING]}]}}, [ALL], id="in a branch"),
        pytest.param({"PolicyDocument": {"Statement": {"Fn::If": ["C", [READ], [READ, ALL]]}}}, [READ, READ, ALL],
                     id="in lists of two branches"),
        pytest.param({"PolicyDocument": {"Statement": [{"Fn::FindInMap": ["A", "B", "C"]}]}},
                     [unreadable({"Fn::FindInMap": ["A", "B", "C"]})], id="from a mapping"),
        pytest.param({"KeyPolicy": {"Statement": {"Fn::Transform": {"Name": "M"}}}},
                     [unreadable({"Fn::Transform": {"Name": "M"}})], id="from a macro"),
        pytest.param({"PolicyDocument": TEXT}, [READ, ALL], id="JSON text"),
        pytest.param({"PolicyDocument": f" \n{TEXT}"}, [READ, ALL], id="JSON text after white space"),
        pytest.param({"PolicyDocument": TEXT.replace("S", "\\u0053")}, [READ, ALL], id="JSON text with escapes"),
        pytest.param({"DestinationPolicy": {"Fn::Sub": TEXT}}, [READ, ALL], id="JSON text with values"),
        pytest.param({"PolicyDocument": {"Fn::Join": ["", ['{"Statement": ', {"Ref": "A"}, "}"]]}},
                     [unreadable('{"Statement": ')], id="JSON text from parts"),
        pytest.param({"PolicyDocument": "{" * 100_000}, [unreadable("{" * 100_000)], id="JSON text too deep to read"),
        pytest.param({"Rules": [{"Statement": {"GeoMatchStatement": {"CountryCodes": ["CH"]}}}]}, [], id="a firewall"),
        pytest.param({"PolicyDocument": {"Ref": "P"}}, [unreadable({"Ref": "P"})], id="from a parameter"),
        pytest.param({"RepositoryPolicyText": {"Fn::ImportValue": "P"}}, [unreadable({"Fn::ImportValue": "P"})],
                     id="from another stack"),
        pytest.param({"PolicyDocument": {"Fn::If": ["C", {"Statement": ALL}, {"Statement": READ}]}}, [ALL, READ],
                     id="from two branches"),
        pytest.param({"DataProtectionPolicy": {"Version": "2021-06-01", "Statement": [{"Operation": {"Audit": {}}}]}},
                     [], id="a policy that masks logs"),
        pytest.param({"Rules": [{"Effect": "Allow"}]}, [], id="an effect without an action"),
        pytest.param({"Code": '{"Statement" is a word in it'}, [], id="a text that is no policy"),
        pytest.param({"Code": f"policy = {TEXT}"}, [], id="a text with a policy in it"),
    ],
)  # fmt: skip
def test_every_statement_is_found(properties: dict[str, Any], found: list[dict[str, Any]]) -> None:
    assert [statement for _, statement in find_statements(properties)] == found


def test_statements_of_a_trust_policy_are_told_apart() -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}
    role = {
        "AssumeRolePolicyDocument": {"Statement": [trust]},
        "Policies": [{"PolicyDocument": {"Statement": [READ]}}],
    }

    assert list(find_statements(role)) == [(True, trust), (False, READ)]
