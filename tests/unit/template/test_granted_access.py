"""Access that no policy shows: permissions, roles that something uses, open endpoints, default policies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint
import pytest

from cicd_templates.template.granted_access import ATTACHED_BY, DEFAULT_POLICIES, PERMISSIONS, permission_statement
from cicd_templates.template.policy_diff import compare, property_widens
from cicd_templates.template.used_roles import names_role

POLICY = {"Statement": [{"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}]}
DENY = {"Effect": "Deny", "Action": "a:B", "Resource": "*"}
NO_VALUE = {"Ref": "AWS::NoValue"}
CONTAINERS = {"ContainerDefinitions": [{"Name": "app", "RoleOfTheDay": "a"}]}
BUS = {"EventBusName": "b", "StatementId": "s", "Action": "events:PutEvents"}


def holder(kind: str, **properties: Any) -> dict[str, Any]:
    return {"R": {"Type": f"AWS::{kind}", "Properties": properties}}


def of_policy(*statements: Any) -> dict[str, Any]:
    return holder("IAM::Role", Policies=[{"PolicyDocument": {"Statement": list(statements)}}])


@pytest.mark.parametrize(
    ("before", "after", "added"),
    [
        pytest.param(
            holder("Lambda::Function", Role="a"),
            holder("Lambda::Function", Role="b"),
            "allow everything that its Role may do on b",
            id="the role of a function",
        ),
        pytest.param(
            holder("ECS::TaskDefinition", TaskRoleArn="a", ExecutionRoleArn="b"),
            holder("ECS::TaskDefinition", TaskRoleArn="b", ExecutionRoleArn="a"),
            "allow everything that its TaskRoleArn may do on b",
            id="two roles that are exchanged",
        ),
        pytest.param(
            holder("CodePipeline::Pipeline", Stages=[{"Actions": [{"RoleArn": {"Ref": "A"}}]}]),
            holder("CodePipeline::Pipeline", Stages=[{"Actions": [{"RoleArn": {"Ref": "B"}}]}]),
            "allow everything that its RoleArn may do on B",
            id="the role of an action",
        ),
        pytest.param(
            holder("EC2::LaunchTemplate", LaunchTemplateData={"IamInstanceProfile": {"Arn": "a"}}),
            holder("EC2::LaunchTemplate", LaunchTemplateData={"IamInstanceProfile": {"Arn": "b"}}),
            "allow everything that its IamInstanceProfile may do on b",
            id="an instance profile",
        ),
        pytest.param(
            holder("Cognito::IdentityPoolRoleAttachment", Roles={"unauthenticated": "a"}),
            holder("Cognito::IdentityPoolRoleAttachment", Roles={"unauthenticated": "b"}),
            "allow everything that its Roles may do on b",
            id="the role of visitors",
        ),
        pytest.param(
            holder("RDS::DBCluster", AssociatedRoles=[{"RoleArn": "a"}]),
            holder("RDS::DBCluster", AssociatedRoles=[{"RoleArn": "a"}, {"RoleArn": "b"}]),
            "allow everything that its AssociatedRoles may do on b",
            id="one more role of a database",
        ),
        pytest.param(
            holder("Lambda::Url", AuthType="AWS_IAM"),
            holder("Lambda::Url", AuthType="NONE"),
            "allow calls without authorization to *",
            id="a function that everybody may call",
        ),
        pytest.param(
            holder("ApiGatewayV2::Route", AuthorizationType="JWT"),
            holder("ApiGatewayV2::Route"),
            "allow calls without authorization to *",
            id="a route without authorization",
        ),
        pytest.param(
            holder("EC2::VPCEndpoint", PolicyDocument=POLICY),
            holder("EC2::VPCEndpoint"),
            "allow * on * to *",
            id="an endpoint whose policy goes",
        ),
        pytest.param(
            holder("IAM::UserToGroupAddition", GroupName="admins", Users=["a"]),
            holder("IAM::UserToGroupAddition", GroupName="admins", Users=["a", "b"]),
            "allow everything that a member of the group may do on admins to a, b",
            id="one more member",
        ),
        pytest.param(
            holder("IAM::RolePolicy", RoleName="a", PolicyDocument=POLICY),
            holder("IAM::RolePolicy", RoleName="b", PolicyDocument=POLICY),
            "allow everything that this policy allows to b",
            id="another role with the policy",
        ),
        pytest.param(
            holder("Events::EventBusPolicy", **BUS, Principal="111111111111"),
            holder("Events::EventBusPolicy", **BUS, Principal="*"),
            "allow events:PutEvents on b to *",
            id="an event bus for everybody",
        ),
        pytest.param(
            holder("RAM::ResourceShare", Name="x", Principals=["1"], ResourceArns=["r"], AllowExternalPrincipals=False),
            holder("RAM::ResourceShare", Name="x", Principals=["1"], ResourceArns=["r"], AllowExternalPrincipals=True),
            "allow use of the shared resources by any account",
            id="a share with other accounts",
        ),
        pytest.param(
            holder("Lambda::Url", AuthType="AWS_IAM"),
            holder("Lambda::Url", AuthType={"Ref": "Auth"}),
            "allow calls without authorization to * if AuthType Equals Auth",
            id="a function that a parameter may open",
        ),
        pytest.param(
            holder("Lambda::Url", AuthType={"Ref": "Auth"}),
            holder("Lambda::Url", AuthType="NONE"),
            "allow calls without authorization to *",
            id="a parameter that becomes NONE",
        ),
        pytest.param(
            holder("Lambda::Url", AuthType={"Ref": "Auth"}),
            holder("Lambda::Url", AuthType={"Ref": "Other"}),
            "allow calls without authorization to * if AuthType Equals Other",
            id="another parameter",
        ),
        pytest.param(
            holder("VpcLattice::Service", AuthType="AWS_IAM"),
            holder("VpcLattice::Service", AuthType=NO_VALUE),
            "allow calls without authorization to * if AuthType Equals AWS::NoValue",
            id="a property that is removed by its value",
        ),
        pytest.param(
            holder("EC2::VPCEndpoint", PolicyDocument=POLICY),
            holder("EC2::VPCEndpoint", PolicyDocument=NO_VALUE),
            "allow * on * to *",
            id="an endpoint whose policy is removed by its value",
        ),
        pytest.param(
            holder("EC2::VPCEndpoint", PolicyDocument=POLICY),
            holder("EC2::VPCEndpoint", PolicyDocument={"Fn::If": ["C", POLICY, {"Fn::If": ["D", NO_VALUE, POLICY]}]}),
            "allow * on * to *",
            id="an endpoint whose policy a condition omits",
        ),
        pytest.param({}, holder("Lambda::Url", AuthType="NONE"), "allow calls without authorization to *", id="new"),
    ],
)  # fmt: skip
def test_access_that_no_policy_shows_widens(before: dict[str, Any], after: dict[str, Any], added: str) -> None:
    difference = compare("R", before, after)

    assert difference.widens
    assert added in difference.added
    assert not compare("R", after, after).widens


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, holder("Lambda::Function", Role="a"), id="a new function with a role that exists"),
        pytest.param(holder("ECS::Service", Role="a"), holder("ECS::Service"), id="no role"),
        pytest.param(holder("IAM::Role", RoleName="a"), holder("IAM::Role", RoleName="b"), id="another name of a role"),
        pytest.param(
            holder("ECS::TaskDefinition", **CONTAINERS, Tags=[{"Key": "Role", "Value": "a"}]),
            holder("ECS::TaskDefinition", Tags=[{"Key": "Role", "Value": "b"}]),
            id="a tag",
        ),
        pytest.param(
            holder("EC2::VPCEndpoint"),
            holder("EC2::VPCEndpoint", PolicyDocument=POLICY),
            id="an endpoint with a policy",
        ),
        pytest.param(
            holder("RAM::ResourceShare", Name="x", Principals=["1", "2"], ResourceArns=["r"]),
            holder("RAM::ResourceShare", Name="y", Principals=["1"], ResourceArns=["r"]),
            id="a share with fewer",
        ),
        pytest.param(holder("VpcLattice::Service"), holder("VpcLattice::Service", AuthType="AWS_IAM"), id="closed"),
        pytest.param(
            holder("Lambda::Url", AuthType="NONE"), holder("Lambda::Url", AuthType={"Ref": "Auth"}), id="maybe closed"
        ),
    ],
)
def test_less_or_equal_access_is_no_widening(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert not compare("R", before, after).widens


def test_a_property_is_judged_by_itself() -> None:
    before = {"Type": "X", "Properties": {"Role": "a", "ManagedPolicyArns": ["p", "q"], "Size": 1}}
    after = {"Type": "X", "Properties": {"Role": "b", "ManagedPolicyArns": ["p"], "Size": 2}}

    assert {name: property_widens(name, before, after) for name in before["Properties"]} == {
        "Role": True,
        "ManagedPolicyArns": False,
        "Size": None,
    }


@pytest.mark.parametrize(
    ("before", "after", "widens"),
    [
        pytest.param([DENY], [{"Fn::If": ["C", DENY, NO_VALUE]}], True, id="a denial that a condition can omit"),
        pytest.param([{"Fn::If": ["C", DENY, NO_VALUE]}], [DENY], False, id="a denial that always holds"),
        pytest.param([{"Fn::If": ["C", DENY, NO_VALUE]}], [{"Fn::If": ["D", DENY, NO_VALUE]}], True, id="another"),
        pytest.param([{"Fn::If": ["C", DENY, NO_VALUE]}], [{"Fn::If": ["C", NO_VALUE, DENY]}], True, id="other branch"),
        pytest.param([{"Fn::FindInMap": ["a", "b", "c"]}], [], True, id="a statement that is computed and may deny"),
        pytest.param([{"Fn::FindInMap": ["a", "b", "c"]}], [{"Fn::FindInMap": ["a", "b", "c"]}], False, id="the same"),
        pytest.param([DENY | {"Action": ["a:B", {"Ref": "P"}]}], [DENY], True, id="a computed action of a denial goes"),
        pytest.param([DENY | {"Effect": {"Ref": "E"}}], [], True, id="an effect that is computed goes"),
    ],
)  # fmt: skip
def test_a_denial_that_may_be_omitted_widens(before: list[Any], after: list[Any], widens: bool) -> None:
    assert compare("R", of_policy(*before), of_policy(*after)).widens is widens


SCHEMAS = Path(cfnlint.__file__).parent / "data/schemas/resources"
# Types with a principal that decide no access to AWS, or whose access a policy or a role shows.
OTHER_PRINCIPALS = {
    "AWS::AccountAccess::Entitlement",
    "AWS::DataZone::PolicyGrant",  # access within DataZone
    "AWS::DataZone::ProjectMembership",
    "AWS::ECR::PullTimeUpdateExclusion",  # who does not update a time
    "AWS::EntityResolution::PolicyStatement",  # a statement, read as such
    "AWS::IoT::ThingPrincipalAttachment",  # the identity of a thing
    "AWS::Lightsail::Container",  # AWS sets it
    "AWS::QuickSight::Group",
}
_PRINCIPAL = re.compile(r'"(Principals?|PrincipalA(?:rn|RN)|PrincipalId|AllowedPrincipals|DataLakePrincipal|Grantee)"')


@cache
def schemas() -> Mapping[str, Mapping[str, Any]]:
    return {schema["typeName"]: schema for schema in _schemas()}


def _schemas() -> Iterator[dict[str, Any]]:
    known = {*PERMISSIONS, *DEFAULT_POLICIES, *ATTACHED_BY}
    for path in SCHEMAS.glob("*.json"):
        text = path.read_text(encoding="utf-8")
        if _PRINCIPAL.search(text) or any(f'"{name}"' in text for name in known):
            yield json.loads(text)


def test_the_tables_name_types_and_properties_that_exist() -> None:
    named = {
        **{
            kind: {permission.principals, permission.resources, *permission.conditions, *permission.grants}
            for kind, permission in PERMISSIONS.items()
        },
        **{kind: {name} for kind, (name, _) in DEFAULT_POLICIES.items()},
        **{kind: set(names) for kind, names in ATTACHED_BY.items()},
    }

    missing = {kind: names - schemas()[kind]["properties"].keys() for kind, names in named.items()}
    assert {kind: names for kind, names in missing.items() if names} == {}


def test_every_type_with_a_principal_is_a_permission_or_none_for_a_reason() -> None:
    with_principal = {
        kind
        for kind, schema in schemas().items()
        if any(map(_PRINCIPAL.fullmatch, map(json.dumps, schema["properties"])))
    }

    assert with_principal - PERMISSIONS.keys() == OTHER_PRINCIPALS & with_principal
    assert len(with_principal) > 20


@pytest.mark.parametrize("kind", sorted(PERMISSIONS))
def test_each_permission_is_a_statement_of_its_principal(kind: str) -> None:
    permission = PERMISSIONS[kind]
    properties = {permission.principals: "everybody", permission.resources: "thing"}

    statement = permission_statement(kind, properties)

    assert statement == {
        "Effect": "Allow",
        "Principal": {"AWS": "everybody"},
        "Action": permission.action,
        "Resource": "thing",
    }
    assert permission_statement(kind, {}) is None


@pytest.mark.parametrize(
    ("principal", "kind"),
    [
        ("logs.cn-north-1.amazonaws.com.cn", "Service"),
        ({"Fn::Sub": "logs.${AWS::Region}.${AWS::URLSuffix}"}, "Service"),
        ("arn:aws-cn:iam::111111111111:root", "AWS"),
        ({"Ref": "Caller"}, "AWS"),
    ],
    ids=["a service in China", "a computed service", "an account", "a parameter"],
)
def test_a_permission_names_the_kind_of_its_principal_in_each_partition(principal: Any, kind: str) -> None:
    statement = permission_statement("AWS::Lambda::Permission", {"Principal": principal})

    assert statement is not None
    assert statement["Principal"] == {kind: principal}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, True) for name in ("TaskRoleArn", "RoleARN", "JobFlowRole", "RoleArns", "InstanceProfileName")),
        *((name, False) for name in ("ROLE", "RoleMappings", "Roleplay", "Parole")),
    ],
)
def test_properties_with_a_role_are_known_by_their_names(name: str, expected: bool) -> None:
    assert names_role(name, "AWS::Any::Type") is expected
