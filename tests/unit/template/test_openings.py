"""Permissions with properties that grant more, and resources that hand a role, a key or an entrance to somebody."""

from __future__ import annotations

from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from cicd_templates.template.access_paths import changed_paths
from cicd_templates.template.granted_access import DESCRIBING, PERMISSIONS
from cicd_templates.template.openings import CALLABLE, GRANTED_BY_TYPE, OPENED
from cicd_templates.template.policy_diff import compare, property_widens
from cicd_templates.template.used_roles import HANDED_ROLES, SESSION_POLICIES, names_role

ENTRY = {"PrincipalArn": "p", "ClusterName": "c"}
LAKE = {"Principal": "p", "Resource": "r", "Permissions": ["SELECT"]}
INVOKE = {"Principal": "p", "FunctionName": "f", "Action": "lambda:InvokeFunction"}
QUESTION = {"Principal": "p", "ApplicationId": "a", "StatementId": "s", "Actions": ["qbusiness:Chat"]}
POD = {"ClusterName": "c", "Namespace": "n", "ServiceAccount": "a", "RoleArn": "r"}
TEXT = '{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}'
SHARE = {"Name": "x", "ResourceArns": ["r"]}


def holder(kind: str, **properties: Any) -> dict[str, Any]:
    return {"R": {"Type": f"AWS::{kind}", "Properties": properties}}


@pytest.mark.parametrize(
    ("kind", "own", "more"),
    [
        ("EKS::AccessEntry", ENTRY, {"KubernetesGroups": ["system:masters"]}),
        ("EKS::AccessEntry", ENTRY, {"AccessPolicies": [{"PolicyArn": "a", "AccessScope": {"Type": "cluster"}}]}),
        ("LakeFormation::PrincipalPermissions", LAKE, {"PermissionsWithGrantOption": ["SELECT"]}),
        ("Cognito::IdentityPool", {}, {"AllowUnauthenticatedIdentities": True}),
        ("Cognito::IdentityPool", {}, {"AllowUnauthenticatedIdentities": "true"}),
        ("Cognito::IdentityPool", {}, {"AllowUnauthenticatedIdentities": {"Ref": "Open"}}),
        ("Cognito::IdentityPool", {}, {"AllowClassicFlow": True}),
        ("Cognito::IdentityPool", {}, {"SupportedLoginProviders": {"accounts.google.com": "id"}}),
        ("AppSync::GraphQLApi", {"AuthenticationType": "AWS_IAM"}, {"AuthenticationType": "API_KEY"}),
        (
            "AppSync::GraphQLApi",
            {"AuthenticationType": "AWS_IAM"},
            {"AdditionalAuthenticationProviders": [{"AuthenticationType": "API_KEY"}]},
        ),
        ("ECS::Service", {"TaskDefinition": "t"}, {"EnableExecuteCommand": True}),
        ("CodeBuild::Project", {"ServiceRole": "r"}, {"Visibility": "PUBLIC_READ"}),
        ("IAM::User", {}, {"LoginProfile": {"Password": "p"}}),
        ("IAM::OIDCProvider", {"ClientIdList": ["a"]}, {"ClientIdList": ["a", "b"]}),
        ("IAM::OIDCProvider", {"ClientIdList": ["a"]}, {"ThumbprintList": ["t"]}),
        ("IAM::AccessKey", {"UserName": "u", "Status": "Inactive"}, {"Status": "Active"}),
        ("RAM::ResourceShare", SHARE | {"AllowExternalPrincipals": False}, {"AllowExternalPrincipals": True}),
        ("RAM::ResourceShare", SHARE, {"ResourceArns": ["r", "s"]}),
        ("ApiGateway::Method", {"Integration": {}}, {"Integration": {"Credentials": "r"}}),
        ("ApiGatewayV2::Integration", {"ApiId": "a"}, {"CredentialsArn": "r"}),
        ("ApiGateway::Authorizer", {"RestApiId": "a"}, {"AuthorizerCredentials": "r"}),
    ],
)
def test_a_property_that_grants_widens_and_its_removal_does_not(
    kind: str, own: dict[str, Any], more: dict[str, Any]
) -> None:
    less, full = holder(kind, **own), holder(kind, **own | more)

    assert compare("R", less, full).widens
    assert not compare("R", full, less).widens
    assert not compare("R", full, full).widens


@pytest.mark.parametrize(
    ("kind", "own", "condition"),
    [
        ("Lambda::Permission", INVOKE, {"SourceArn": "a"}),
        ("Lambda::Permission", INVOKE, {"SourceAccount": {"Ref": "AWS::AccountId"}}),
        ("Lambda::LayerVersionPermission", INVOKE | {"LayerVersionArn": "l"}, {"OrganizationId": "o"}),
        ("QBusiness::Permission", QUESTION, {"Conditions": [{"ConditionKey": "k"}]}),
        ("EKS::PodIdentityAssociation", POD, {"Policy": "a text that is no policy"}),
    ],
)
def test_a_known_condition_narrows_and_its_removal_widens(
    kind: str, own: dict[str, Any], condition: dict[str, Any]
) -> None:
    free, limited = holder(kind, **own), holder(kind, **own | condition)

    assert not compare("R", free, limited).widens
    assert compare("R", limited, free).widens


@pytest.mark.parametrize(
    ("kind", "own", "name"),
    [
        ("EKS::AccessEntry", ENTRY, "Username"),
        ("EKS::AccessEntry", ENTRY, "Type"),
        ("Lambda::Permission", INVOKE, "PropertyOfNextYear"),
        ("RAM::ResourceShare", SHARE | {"Principals": ["1"]}, "PermissionArns"),
    ],
)
def test_each_change_of_a_property_that_cannot_be_judged_widens(kind: str, own: dict[str, Any], name: str) -> None:
    without, first, second = (holder(kind, **own | more) for more in ({}, {name: "a"}, {name: "b"}))

    assert compare("R", without, first).widens
    assert compare("R", first, second).widens
    assert compare("R", first, without).widens


def test_fewer_conditions_in_a_list_of_conditions_widen() -> None:
    both, one = (
        holder("QBusiness::Permission", **QUESTION, Conditions=[{"ConditionKey": key} for key in keys])
        for keys in ("ab", "a")
    )

    assert compare("R", both, one).widens


@pytest.mark.parametrize(
    ("after", "sentence"),
    [
        (
            holder("EKS::PodIdentityAssociation", **POD),
            "allow everything that its RoleArn may do on r to c, n, a",
        ),
        (holder("RolesAnywhere::Profile", RoleArns=["a"]), "allow everything that its RoleArns may do on a"),
        (
            holder("Cognito::IdentityPoolRoleAttachment", IdentityPoolId="p", Roles={"unauthenticated": "a"}),
            "allow everything that its Roles may do on a to p",
        ),
        (
            holder("Transfer::User", ServerId="s", UserName="u", Role="a"),
            "allow everything that its Role may do on a to s, u",
        ),
        (
            holder("IAM::AccessKey", UserName="u"),
            "allow use of an access key with all permissions of the user on u",
        ),
        (
            holder("RAM::ResourceShare", **SHARE),
            "allow use what is shared on r to the principals that are associated with the share",
        ),
        (
            holder("EKS::AccessEntry", **ENTRY, KubernetesGroups=["system:masters"]),
            "allow use the cluster, KubernetesGroups system:masters on c to p",
        ),
        (
            holder("LakeFormation::PrincipalPermissions", **LAKE, PermissionsWithGrantOption=[{"Ref": "Granted"}]),
            'allow SELECT, PermissionsWithGrantOption {"Ref": "Granted"} on r to p',
        ),
    ],
)
def test_a_new_resource_that_lets_somebody_in_is_shown(after: dict[str, Any], sentence: str) -> None:
    difference = compare("R", {}, after)

    assert difference.widens
    assert sentence in difference.added


@pytest.mark.parametrize("name", ["ServiceAccount", "Namespace", "ClusterName", "RoleArn"])
def test_somebody_else_who_gets_a_role_widens(name: str) -> None:
    other = POD | {name: "other"}

    assert compare(
        "R", holder("EKS::PodIdentityAssociation", **POD), holder("EKS::PodIdentityAssociation", **other)
    ).widens


def test_the_loss_of_a_session_policy_widens_by_itself() -> None:
    limited = holder("RolesAnywhere::Profile", RoleArns=["a"], SessionPolicy=TEXT)["R"]
    free = holder("RolesAnywhere::Profile", RoleArns=["a"])["R"]

    assert property_widens("SessionPolicy", limited, free) is True
    assert property_widens("SessionPolicy", free, limited) is False


def test_a_password_is_in_no_sentence() -> None:
    user = holder("IAM::User", LoginProfile={"Password": "correct horse"})

    assert compare("R", {}, user).added == ("allow sign in to the console with a password",)


def test_a_role_that_is_handed_over_is_a_path() -> None:
    (path, *_) = changed_paths("tools", "R", {}, holder("Transfer::User", UserName="u", Role="a"))

    assert (path.principal, path.target, path.change) == ("u", "a", "new")


@pytest.mark.parametrize("name", ["Credentials", "CredentialsArn", "AuthorizerCredentialsArn"])
def test_credentials_are_a_role_only_for_api_gateway(name: str) -> None:
    assert names_role(name, "AWS::ApiGatewayV2::Integration")
    assert not names_role(name, "AWS::QuickSight::DataSource")


def test_no_role_is_shown_twice() -> None:
    before, after = (holder("EKS::PodIdentityAssociation", **POD | {"RoleArn": role}) for role in "ab")

    assert compare("R", before, after).added == ("allow everything that its RoleArn may do on b to c, n, a",)


def _schema(kind: str) -> dict[str, Any]:
    return dict(PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema)


def test_the_tables_of_openings_name_properties_that_exist() -> None:
    openings = [
        (kind, name)
        for table in (CALLABLE, OPENED)
        for kind, rows in table.items()
        for row in rows
        for name in (row.name, row.resource or row.name)
    ]
    listed = [
        (kind, name)
        for table in (GRANTED_BY_TYPE, HANDED_ROLES, SESSION_POLICIES)
        for kind, names in table.items()
        for name in names
    ]

    assert [pair for pair in (*openings, *listed) if pair[1] not in _schema(pair[0])["properties"]] == []
    assert all(_schema(kind)["properties"] for kind in HANDED_ROLES)


# Properties of permissions that are no condition and grant nothing alone, or of which nobody can say it.
UNJUDGED = {
    "AWS::EKS::AccessEntry": {"Type", "Username"},  # the name can have bindings in the cluster
    "AWS::Events::EventBusPolicy": {"Statement"},  # read as a statement
    "AWS::LakeFormation::PrincipalPermissions": {"Catalog"},
    "AWS::LicenseManager::Grant": {"Status"},
    "AWS::QBusiness::DataAccessor": {"AuthenticationDetail"},
    "AWS::RAM::ResourceShare": {"PermissionArns", "ResourceShareConfiguration"},
}


def test_each_property_of_a_permission_is_judged_or_listed_here() -> None:
    unjudged = {}
    for kind, permission in PERMISSIONS.items():
        schema = _schema(kind)
        read_only = {path.rpartition("/")[2] for path in schema.get("readOnlyProperties", ())}
        judged = {*permission[:3], *permission.conditions, *permission.grants, *DESCRIBING, *read_only}
        judged |= {opening.name for opening in OPENED.get(kind, ())}
        unjudged[kind] = set(schema["properties"]) - judged

    assert {kind: names for kind, names in unjudged.items() if names} == UNJUDGED
