"""IAM statements in words, and the rows of the access matrix."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cicd_templates.review import access_matrix
from cicd_templates.review.statements import Statement, own_stem
from tests.unit.review.conftest import one, resource, role, stack_of, statement

OTHER = stack_of({}, environment="production", label="cluster")


def statements(resources: dict[str, Any]) -> tuple[Statement, ...]:
    return one(resources, OTHER).statements


def test_a_role_has_its_trust_and_its_grants_with_the_reason_of_every_star() -> None:
    trust, grant = statements(
        {
            "JobRole": role(
                statement("Login", "ecr:GetAuthorizationToken"), why=("Login names every resource: it has no level.",)
            )
        }
    )

    assert (trust.is_trust, trust.principals_text, trust.actions_text, trust.resources_text) == (
        True,
        "ecs-tasks.amazonaws.com",
        "sts: AssumeRole",
        "itself",
    )
    assert (grant.principals_text, grant.actions_text, grant.resources_text, grant.reason) == (
        "",
        "ecr: GetAuthorizationToken",
        "*",
        "it has no level.",
    )


@pytest.mark.parametrize(
    ("principal", "who"),
    [
        ("*", "anyone"),
        ({"AWS": "*"}, "anyone"),
        ({"AWS": ["arn:aws:iam::100000000003:root", {"Ref": "Vault"}]}, "account production, Vault"),
        ({"Federated": "idp"}, "Federated idp"),
        ({"Fn::Sub": "${Vault}"}, "Vault"),
    ],
)
def test_principals_are_people_services_and_accounts(principal: Any, who: str) -> None:
    policy = {"Statement": [statement("S", "sns:Publish", Principal=principal)]}
    (found,) = statements({"Topic": resource("SNS::Topic", Policy=policy)})

    assert found.principals_text == who
    assert found.resources_text == "itself"


def test_exceptions_are_described_as_such() -> None:
    everything_but = {"Effect": "Deny", "NotAction": "iam:Get", "NotResource": "*", "NotPrincipal": {"AWS": "a"}}
    (found,) = statements({"P": resource("X::Y", PolicyDocument={"Statement": everything_but})})

    assert (found.principals_text, found.actions_text, found.resources_text, found.label) == (
        "all but a",
        "all but iam: Get",
        "all but itself",
        "Deny ",
    )


def test_a_policy_that_is_text_is_read_too() -> None:
    text = json.dumps({"Statement": [statement("S", "logs:PutLogEvents", Principal={"Service": "es.amazonaws.com"})]})
    code = '{"Statement" is a word in it'
    (found,) = statements({"Logs": resource("Logs::ResourcePolicy", PolicyDocument=text, Code=code)})

    assert (found.sid, found.principals_text) == ("S", "es.amazonaws.com")


def test_what_has_an_effect_but_no_action_is_no_statement() -> None:
    assert statements({"X": resource("X::Y", Rules=[{"Effect": "Allow"}])}) == ()


def test_a_functions_permission_is_a_statement_of_its_policy() -> None:
    permission = resource(
        "Lambda::Permission",
        Action="lambda:InvokeFunction",
        FunctionName={"Ref": "Job"},
        Principal="events.amazonaws.com",
        SourceArn={"Fn::GetAtt": ["Rule", "Arn"]},
    )
    (found,) = statements({"Permission": permission})

    assert (found.principals_text, found.actions_text, found.resources_text) == (
        "events.amazonaws.com",
        "lambda: InvokeFunction",
        "Job",
    )
    assert found.condition == "aws:SourceArn is Rule"


@pytest.mark.parametrize(
    ("holder", "stem"),
    [
        ("BanditRole", "Bandit"),
        ("BanditActionRole", "Bandit"),
        ("SourcePolicy", "Source"),
        ("Key", "Key"),
        ("Role", ""),
    ],
)
def test_what_a_holder_is_of(holder: str, stem: str) -> None:
    assert own_stem(holder) == stem


def test_alike_statements_of_many_holders_are_one_row() -> None:
    grant = {
        name: statement("WriteTheLog", "logs:PutLogEvents", on={"Fn::GetAtt": [f"{name}LogGroup", "Arn"]})
        for name in ("Bandit", "Snyk")
    }
    found = statements({f"{name}Role": role(each) for name, each in grant.items()})

    assert access_matrix.identity_rows("build", found) == [
        ("build", "BanditRole, SnykRole", "WriteTheLog", "logs: PutLogEvents", "(own)LogGroup", "", "")
    ]
    assert access_matrix.trust_rows("build", found) == [
        ("build", "BanditRole, SnykRole", "ecs-tasks.amazonaws.com", "")
    ]
    assert access_matrix.resource_rows("build", found) == []


def test_alike_policies_of_many_resources_are_one_row_even_where_they_are_on_different_things() -> None:
    def policy(on: Any) -> dict[str, Any]:
        return resource("X::Policy", PolicyDocument={"Statement": statement("S", "s3:*", on=on, Principal="*")})

    alike = statements({"APolicy": policy({"Ref": "A"}), "BPolicy": policy({"Ref": "B"})})
    different = statements({"APolicy": policy({"Ref": "C"}), "BPolicy": policy({"Ref": "Bob"})})

    assert [row[1] for row in access_matrix.resource_rows("s", alike)] == ["APolicy, BPolicy: (own)"]
    assert [row[1] for row in access_matrix.resource_rows("s", different)] == ["APolicy: C, BPolicy: Bob"]
