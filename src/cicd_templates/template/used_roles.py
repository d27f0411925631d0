"""Finds the roles that a resource uses, or passes to other principals.

For each role, this module makes up an IAM statement that allows everything that the role may do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cicd_templates.template.intrinsics import is_intrinsic_function

Statement = Mapping[str, Any]

# Properties of any type that name the role, or the instance profile with the role, under which something runs.
_ROLE = re.compile(r"Roles?(Arn|ARN|Name|Id)?s?$|InstanceProfile(Arn|Name)?$")
# Other names of such properties, by the beginning of the type.
_OTHER_ROLES = {"AWS::ApiGateway": re.compile(r"Credentials(Arn)?$")}
# Types that hand a role to somebody, and the properties that say to whom. A new resource hands over the role as well.
HANDED_ROLES = {
    "AWS::Cognito::IdentityPoolRoleAttachment": ("IdentityPoolId",),
    "AWS::EKS::PodIdentityAssociation": ("ClusterName", "Namespace", "ServiceAccount"),
    "AWS::RolesAnywhere::Profile": (),
    "AWS::Transfer::User": ("ServerId", "UserName", "SshPublicKeys"),
}
# Policies that limit what somebody may do with a role. Without them, everything that the role may do is allowed.
SESSION_POLICIES = {
    "AWS::EKS::PodIdentityAssociation": ("Policy",),
    "AWS::RolesAnywhere::Profile": ("SessionPolicy", "ManagedPolicyArns"),
    "AWS::Transfer::User": ("Policy",),
}


def handed_roles(kind: str, properties: Mapping[str, Any]) -> Iterator[Statement]:
    """Yield made-up IAM statements for a resource, such as an identity pool, that passes roles to its users.

    - For each role, yield an Allow statement: the users may do everything that the role may do.
    - For each session policy, which limits what the users may do with the roles, yield a Deny statement.
    """
    if kind in HANDED_ROLES:
        holders = {name: properties[name] for name in HANDED_ROLES[kind] if name in properties}
        for statement in roles(properties, kind):
            yield {**statement, **({"Principal": holders} if holders else {})}
    for name in SESSION_POLICIES.get(kind, ()):
        if name in properties:
            yield {
                "Effect": "Deny",
                "Action": f"everything that the session policy in {name} does not allow",
                "Resource": properties[name],
            }


def names_role(property_name: str, resource_type: str) -> bool:
    """Return whether a property with this name contains a role or an instance profile."""
    patterns = [pattern for beginning, pattern in _OTHER_ROLES.items() if resource_type.startswith(beginning)]
    return any(pattern.search(property_name) for pattern in (_ROLE, *patterns))


def roles(value: Any, kind: str) -> Iterator[Statement]:
    """Yield a made-up IAM statement for each role to which `value` refers. It allows "everything that its role may do".

    `value` has properties of a resource of the type `kind`.
    """
    if isinstance(value, Mapping) and not is_intrinsic_function(value):
        for key, item in value.items():
            if names_role(str(key), kind):
                for role in leaves(item):
                    yield {"Effect": "Allow", "Action": f"everything that its {key} may do", "Resource": role}
            else:
                yield from roles(item, kind)
    elif isinstance(value, list):
        for item in value:
            yield from roles(item, kind)


def leaves(value: Any) -> Iterator[Any]:
    """Yield the values in nested lists and maps one by one."""
    if isinstance(value, Mapping) and not is_intrinsic_function(value):
        value = list(value.values())
    if not isinstance(value, list):
        yield value
        return
    for item in value:
        yield from leaves(item)
