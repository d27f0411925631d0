"""Finds the access that a resource grants outside its policies, and returns it as IAM statements that can be compared.

Some resource types are permissions themselves, some attach a policy to a role, and some let everybody call a resource.
The types and properties are those of CloudFormation's resource schemas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cicd_templates.template.intrinsics import is_intrinsic_function
from cicd_templates.template.partitions import is_service_principal

Statement = Mapping[str, Any]

# Properties with permissions that are defined outside the template, and the words for these permissions: managed
# policies by their ARNs, and the groups of a user.
GRANTED_ELSEWHERE = {
    "ManagedPolicyArns": "everything",
    "ManagedPolicies": "everything",
    "CustomerManagedPolicyReferences": "everything",
    "Groups": "everything that the group may do",
}
# Properties that attach a policy to principals.
ATTACHES = ("Roles", "Users", "Groups")
ATTACHED_BY = {
    "AWS::IAM::ManagedPolicy": ATTACHES,
    "AWS::IAM::Policy": ATTACHES,
    "AWS::IAM::RolePolicy": ("RoleName",),
    "AWS::IAM::UserPolicy": ("UserName",),
    "AWS::IAM::GroupPolicy": ("GroupName",),
}
BOUNDARY = "PermissionsBoundary"
NO_VALUE = {"Ref": "AWS::NoValue"}


class Permission(NamedTuple):
    """The properties of a resource type that is a permission: the principal, the resource, and the actions.

    If no property has the actions, `action` is in words. Every other property is a condition of the permission.
    """

    principals: str
    resources: str
    action: str


MEMBER = "everything that a member of the group may do"
PERMISSIONS = {
    "AWS::ACMPCA::Permission": Permission("Principal", "CertificateAuthorityArn", "Actions"),
    "AWS::Cognito::UserPoolUserToGroupAttachment": Permission("Username", "GroupName", MEMBER),
    "AWS::Config::AggregationAuthorization": Permission("AuthorizedAccountId", "AuthorizedAwsRegion", "read all data"),
    "AWS::EC2::NetworkInterfacePermission": Permission("AwsAccountId", "NetworkInterfaceId", "Permission"),
    "AWS::EC2::VPCEndpointServicePermissions": Permission("AllowedPrincipals", "ServiceId", "connect"),
    "AWS::EKS::AccessEntry": Permission("PrincipalArn", "ClusterName", "use the cluster"),
    "AWS::Events::EventBusPolicy": Permission("Principal", "EventBusName", "Action"),
    "AWS::GlobalAccelerator::CrossAccountAttachment": Permission("Principals", "Resources", "use"),
    "AWS::IAM::UserToGroupAddition": Permission("Users", "GroupName", MEMBER),
    "AWS::IdentityStore::GroupMembership": Permission("MemberId", "GroupId", MEMBER),
    "AWS::IoT::PolicyPrincipalAttachment": Permission("Principal", "PolicyName", "everything that the policy allows"),
    "AWS::IoTSiteWise::AccessPolicy": Permission(
        "AccessPolicyIdentity", "AccessPolicyResource", "AccessPolicyPermission"
    ),
    "AWS::LakeFormation::Permissions": Permission("DataLakePrincipal", "Resource", "Permissions"),
    "AWS::LakeFormation::PrincipalPermissions": Permission("Principal", "Resource", "Permissions"),
    "AWS::Lambda::LayerVersionPermission": Permission("Principal", "LayerVersionArn", "Action"),
    "AWS::Lambda::Permission": Permission("Principal", "FunctionName", "Action"),
    "AWS::LicenseManager::Grant": Permission("Principals", "LicenseArn", "AllowedOperations"),
    "AWS::QBusiness::DataAccessor": Permission("Principal", "ApplicationId", "read what is indexed"),
    "AWS::QBusiness::Permission": Permission("Principal", "ApplicationId", "Actions"),
    "AWS::RAM::PrincipalAssociation": Permission("Principal", "ResourceShareArn", "use what is shared"),
    "AWS::RAM::ResourceAssociation": Permission("ResourceShareArn", "ResourceArn", "use what is shared"),
    "AWS::RAM::ResourceShare": Permission("Principals", "ResourceArns", "use what is shared"),
    "AWS::Redshift::EndpointAuthorization": Permission("Account", "ClusterIdentifier", "connect"),
    "AWS::S3::AccessGrant": Permission("Grantee", "AccessGrantsLocationId", "Permission"),
    "AWS::SSO::ApplicationAssignment": Permission("PrincipalId", "ApplicationArn", "use the application"),
    "AWS::SSO::Assignment": Permission("PrincipalId", "TargetId", "PermissionSetArn"),
    "AWS::ServiceCatalog::PortfolioPrincipalAssociation": Permission("PrincipalARN", "PortfolioId", "use"),
    "AWS::ServiceCatalog::PortfolioShare": Permission("AccountId", "PortfolioId", "use"),
    "AWS::Signer::ProfilePermission": Permission("Principal", "ProfileName", "Action"),
}
# Properties of permissions that only name or describe them.
DESCRIBING = frozenset({"StatementId", "Name", "GrantName", "Description", "Tags"})

# Types that everybody may call if the property is `NONE`, with this property, and whether `NONE` is the default.
CALLABLE = {
    "AWS::ApiGateway::Method": ("AuthorizationType", True),
    "AWS::ApiGatewayV2::Route": ("AuthorizationType", True),
    "AWS::Lambda::Url": ("AuthType", False),
    "AWS::VpcLattice::Service": ("AuthType", True),
    "AWS::VpcLattice::ServiceNetwork": ("AuthType", True),
}
# Types with a policy that AWS adds if the template has none, with this policy's statement.
# https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
# https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
EVERYTHING = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
DEFAULT_POLICIES: Mapping[str, tuple[str, Statement]] = {
    "AWS::EC2::VPCEndpoint": ("PolicyDocument", EVERYTHING),
    "AWS::KMS::Key": (
        "KeyPolicy",
        {"Effect": "Allow", "Principal": {"AWS": "the account"}, "Action": "kms:*", "Resource": "*"},
    ),
}
# Properties of any type that name the role, or the instance profile with the role, under which something runs.
_ROLE = re.compile(r"Roles?(Arn|ARN|Name|Id)?s?$|InstanceProfile(Arn|Name)?$")


def granted_statements(resource: Mapping[str, Any]) -> Iterator[Statement]:
    """Yield the access that a resource allows or denies outside its policies. For a permission, yield nothing."""
    kind, properties = str(resource.get("Type")), resource.get("Properties", {})
    if kind in ATTACHED_BY:
        for item in (item for name in ATTACHED_BY[kind] for item in as_list(properties.get(name, []))):
            yield {"Effect": "Allow", "Action": "everything that this policy allows", "Principal": item}
    else:
        for name, words in GRANTED_ELSEWHERE.items():
            for item in as_list(properties.get(name, [])):
                yield {"Effect": "Allow", "Action": words, "Resource": item}
    yield from _calls_without_authorization(kind, properties)
    if BOUNDARY in properties:
        outside = "everything that the permissions boundary does not allow"
        yield {"Effect": "Deny", "Action": outside, "Resource": properties[BOUNDARY]}


def _calls_without_authorization(kind: str, properties: Mapping[str, Any]) -> Iterator[Statement]:
    """Yield the statement of a resource that everybody may call. A computed value may be `NONE`."""
    if kind not in CALLABLE:
        return
    name, is_default = CALLABLE[kind]
    value = properties.get(name, "NONE" if is_default else "")
    called = {"Effect": "Allow", "Action": "calls without authorization", "Principal": "*"}
    if value == "NONE":
        yield called
    elif not isinstance(value, str):
        yield {**called, "Condition": {"Equals": {name: value}}}


def statements_of_use(resource: Mapping[str, Any]) -> Iterator[Statement]:
    """Yield the permissions of an existing resource: those of its roles, and those of the default policy of its type.

    A new resource uses a role that exists already, or that the page shows as new. But if an existing resource gets
    another role, its access changes.
    """
    kind, properties = str(resource.get("Type")), resource.get("Properties", {})
    if kind not in ATTACHED_BY and kind not in PERMISSIONS and kind != "AWS::IAM::Role":
        yield from _roles(properties)
    name, statement = DEFAULT_POLICIES.get(kind, ("", {}))
    if name and _may_be_omitted(properties.get(name, NO_VALUE)):
        yield statement


def _may_be_omitted(value: Any) -> bool:
    """Return whether a value removes its property, always or with a condition."""
    match value:
        case {"Fn::If": [_, first, second]}:
            return _may_be_omitted(first) or _may_be_omitted(second)
    return bool(value == NO_VALUE)


def names_role(property_name: str) -> bool:
    """Return whether a property with this name has a role, or an instance profile with a role."""
    return bool(_ROLE.search(property_name))


def _roles(value: Any) -> Iterator[Statement]:
    if isinstance(value, Mapping) and not is_intrinsic_function(value):
        for key, item in value.items():
            if names_role(str(key)):
                for role in _leaves(item):
                    yield {"Effect": "Allow", "Action": f"everything that its {key} may do", "Resource": role}
            else:
                yield from _roles(item)
    elif isinstance(value, list):
        for item in value:
            yield from _roles(item)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping) and not is_intrinsic_function(value):
        value = list(value.values())
    if not isinstance(value, list):
        yield value
        return
    for item in value:
        yield from _leaves(item)


def permission_statement(resource_type: str, properties: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the statement of a resource that is a permission, or None for any other resource."""
    permission = PERMISSIONS.get(resource_type)
    if permission is None or permission.principals not in properties:
        return None
    principal = properties[permission.principals]
    kind = "Service" if is_service_principal(principal) else "AWS"
    conditions = {key: value for key, value in properties.items() if key not in DESCRIBING | set(permission)}
    return {
        "Effect": "Allow",
        "Principal": {kind: principal},
        "Action": properties.get(permission.action, permission.action),
        **({"Resource": properties[permission.resources]} if permission.resources in properties else {}),
        **({"Condition": {"Equals": conditions}} if conditions else {}),
    }


def as_list(value: Any) -> list[Any]:
    """Return an element of a policy as a list, because IAM accepts a single value instead of a list with one item."""
    return value if isinstance(value, list) else [value]
