"""Finds settings that open a resource to others, such as public access. Returns each setting as an IAM statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cicd_templates.template.used_roles import Statement, leaves

# Properties of one type that let somebody in, and the words for what each item allows.
GRANTED_BY_TYPE = {
    "AWS::Cognito::IdentityPool": {
        "CognitoIdentityProviders": "sign-in through the user pool",
        "DeveloperProviderName": "sign-in through the developer provider",
        "OpenIdConnectProviderARNs": "sign-in through the provider",
        "SamlProviderARNs": "sign-in through the provider",
        "SupportedLoginProviders": "sign-in through the provider",
    },
    "AWS::IAM::OIDCProvider": {
        "ClientIdList": "tokens for the client",
        "ThumbprintList": "tokens of a server with the thumbprint",
        "Url": "tokens of the issuer",
    },
}


class Opening(NamedTuple):
    """A property that can open a resource to others: its name, the value that opens the resource, and AWS's default.

    - `action`: a description of what others may then do with the resource.
    - `principal`: `*` for everybody.
    - `resource`: usually empty. The property `Status` of an access key, however, opens a user, and the property
      `UserName` identifies the user. In a case like this, `resource` is `UserName`.
    """

    name: str
    value: str
    default: str = ""
    action: str = "calls without authorization"
    principal: str = "*"
    resource: str = ""


# Types that people outside of the account can call with one value of a property.
CALLABLE = {
    "AWS::ApiGateway::Method": (Opening("AuthorizationType", "NONE", "NONE"),),
    "AWS::ApiGatewayV2::Route": (Opening("AuthorizationType", "NONE", "NONE"),),
    "AWS::AppSync::GraphQLApi": (Opening("AuthenticationType", "API_KEY", action="calls with only an API key"),),
    "AWS::Cognito::IdentityPool": (
        Opening("AllowUnauthenticatedIdentities", "true", action="use of a role without authentication"),
        Opening("AllowClassicFlow", "true", action="use of any role that trusts the pool", principal=""),
    ),
    "AWS::Lambda::Url": (Opening("AuthType", "NONE"),),
    "AWS::VpcLattice::Service": (Opening("AuthType", "NONE", "NONE"),),
    "AWS::VpcLattice::ServiceNetwork": (Opening("AuthType", "NONE", "NONE"),),
}
# Types that one value of a property opens in another way.
OPENED = {
    "AWS::CodeBuild::Project": (Opening("Visibility", "PUBLIC_READ", action="read logs and artifacts of builds"),),
    "AWS::ECS::Service": (
        Opening("EnableExecuteCommand", "true", action="commands in its containers (ECS Exec)", principal=""),
    ),
    "AWS::IAM::AccessKey": (
        Opening("Status", "Active", "Active", "use of an access key with all permissions of the user", "", "UserName"),
    ),
    "AWS::RAM::ResourceShare": (
        Opening("AllowExternalPrincipals", "true", "true", "use of the shared resources by any account", ""),
    ),
}
# A new password is no other access, and no sentence may have it.
PASSWORD: Statement = {"Effect": "Allow", "Action": "sign in to the console with a password"}


def opened_statements(kind: str, properties: Mapping[str, Any]) -> Iterator[Statement]:
    """Yield IAM statements for access that a resource allows by its settings, and not by a policy.

    `kind` is the type of the resource.
    """
    for name, words in GRANTED_BY_TYPE.get(kind, {}).items():
        for item in leaves(properties.get(name, [])):
            yield {"Effect": "Allow", "Action": words, "Resource": item}
    for opening in (*CALLABLE.get(kind, ()), *OPENED.get(kind, ())):
        yield from _opened(opening, properties)
    if kind == "AWS::IAM::User" and "LoginProfile" in properties:
        yield PASSWORD


def _opened(opening: Opening, properties: Mapping[str, Any]) -> Iterator[Statement]:
    """Yield a statement for each value of the property `opening.name` that opens the resource to others.

    The property can occur at any depth. A value that only CloudFormation can compute counts, too, because it may open
    the resource.
    """
    allowed = {
        "Effect": "Allow",
        "Action": opening.action,
        **({"Principal": opening.principal} if opening.principal else {}),
        **({"Resource": properties.get(opening.resource, "*")} if opening.resource else {}),
    }
    for value in (
        properties.get(opening.name, opening.default),
        *_parts_named(opening.name, list(properties.values())),
    ):
        if not isinstance(value, str | bool):
            yield {**allowed, "Condition": {"Equals": {opening.name: value}}}
        elif str(value).lower() == opening.value.lower():
            yield allowed


def _parts_named(name: str, value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from (item,) if key == name else _parts_named(name, item)
    elif isinstance(value, list):
        for item in value:
            yield from _parts_named(name, item)
