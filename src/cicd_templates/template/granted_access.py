"""Finds access that a resource grants without a policy document. Returns this access as IAM statements.

Examples are a Lambda permission, a list of managed policies, and a function URL that everybody may call. The types and
properties are those of CloudFormation's resource schemas.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cicd_templates.template.intrinsics import NO_VALUE, is_intrinsic_function, may_be_absent
from cicd_templates.template.openings import OPENED, opened_statements
from cicd_templates.template.partitions import is_service_principal
from cicd_templates.template.used_roles import HANDED_ROLES, Statement, handed_roles, roles

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


class Permission(NamedTuple):
    """Describes how resources of one type, such as `AWS::Lambda::Permission`, say who gets access to what.

    - `principals`: the property that names who gets access.
    - `resources`: the property that names what the access is for.
    - `action`: the property that lists the allowed actions. If the type has no such property, a description of what is
      allowed.
    - `conditions`: properties that restrict access. If such a property is removed, access widens.
    - `grants`: properties with lists. If such a list gets an additional item, access widens.
    - `others`: a description of the principals, if resources of another type can add principals. Otherwise empty.

    A change of any other property counts as wider access, because its effect is unknown.
    """

    principals: str
    resources: str
    action: str
    conditions: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    others: str = ""

    def is_given_by(self, properties: Mapping[str, Any]) -> bool:
        """Return whether a resource with these `properties` grants access to anybody.

        A resource without principals can grant access, too, if another resource can add principals to it.
        """
        return self.principals in properties or bool(self.others and self.resources in properties)


_SOURCES = ("SourceAccount", "SourceArn")
MEMBER = "everything that a member of the group may do"
PERMISSIONS = {
    "AWS::ACMPCA::Permission": Permission("Principal", "CertificateAuthorityArn", "Actions", ("SourceAccount",)),
    "AWS::Cognito::UserPoolUserToGroupAttachment": Permission("Username", "GroupName", MEMBER, ("UserPoolId",)),
    "AWS::Config::AggregationAuthorization": Permission("AuthorizedAccountId", "AuthorizedAwsRegion", "read all data"),
    "AWS::EC2::NetworkInterfacePermission": Permission("AwsAccountId", "NetworkInterfaceId", "Permission"),
    "AWS::EC2::VPCEndpointServicePermissions": Permission("AllowedPrincipals", "ServiceId", "connect"),
    "AWS::EKS::AccessEntry": Permission(
        "PrincipalArn", "ClusterName", "use the cluster", grants=("AccessPolicies", "KubernetesGroups")
    ),
    "AWS::Events::EventBusPolicy": Permission("Principal", "EventBusName", "Action", ("Condition",)),
    "AWS::GlobalAccelerator::CrossAccountAttachment": Permission("Principals", "Resources", "use"),
    "AWS::IAM::UserToGroupAddition": Permission("Users", "GroupName", MEMBER),
    "AWS::IdentityStore::GroupMembership": Permission("MemberId", "GroupId", MEMBER, ("IdentityStoreId",)),
    "AWS::IoT::PolicyPrincipalAttachment": Permission("Principal", "PolicyName", "everything that the policy allows"),
    "AWS::IoTSiteWise::AccessPolicy": Permission(
        "AccessPolicyIdentity", "AccessPolicyResource", "AccessPolicyPermission"
    ),
    "AWS::LakeFormation::Permissions": Permission(
        "DataLakePrincipal", "Resource", "Permissions", grants=("PermissionsWithGrantOption",)
    ),
    "AWS::LakeFormation::PrincipalPermissions": Permission(
        "Principal", "Resource", "Permissions", grants=("PermissionsWithGrantOption",)
    ),
    "AWS::Lambda::LayerVersionPermission": Permission("Principal", "LayerVersionArn", "Action", ("OrganizationId",)),
    "AWS::Lambda::Permission": Permission(
        "Principal",
        "FunctionName",
        "Action",
        ("EventSourceToken", "FunctionUrlAuthType", "InvokedViaFunctionUrl", "PrincipalOrgID", *_SOURCES),
    ),
    "AWS::LicenseManager::Grant": Permission("Principals", "LicenseArn", "AllowedOperations", ("HomeRegion",)),
    "AWS::QBusiness::DataAccessor": Permission(
        "Principal", "ApplicationId", "read what is indexed", grants=("ActionConfigurations",)
    ),
    "AWS::QBusiness::Permission": Permission("Principal", "ApplicationId", "Actions", ("Conditions",)),
    "AWS::RAM::PrincipalAssociation": Permission("Principal", "ResourceShareArn", "use what is shared"),
    "AWS::RAM::ResourceAssociation": Permission("ResourceShareArn", "ResourceArn", "use what is shared"),
    "AWS::RAM::ResourceShare": Permission(
        "Principals",
        "ResourceArns",
        "use what is shared",
        ("Sources",),
        others="the principals that are associated with the share",
    ),
    "AWS::Redshift::EndpointAuthorization": Permission("Account", "ClusterIdentifier", "connect", ("VpcIds",)),
    "AWS::S3::AccessGrant": Permission(
        "Grantee",
        "AccessGrantsLocationId",
        "Permission",
        ("AccessGrantsLocationConfiguration", "ApplicationArn", "S3PrefixType"),
    ),
    "AWS::SSO::ApplicationAssignment": Permission(
        "PrincipalId", "ApplicationArn", "use the application", ("PrincipalType",)
    ),
    "AWS::SSO::Assignment": Permission(
        "PrincipalId", "TargetId", "PermissionSetArn", ("InstanceArn", "PrincipalType", "TargetType")
    ),
    "AWS::ServiceCatalog::PortfolioPrincipalAssociation": Permission(
        "PrincipalARN", "PortfolioId", "use", ("PrincipalType",)
    ),
    "AWS::ServiceCatalog::PortfolioShare": Permission("AccountId", "PortfolioId", "use", grants=("ShareTagOptions",)),
    "AWS::Signer::ProfilePermission": Permission("Principal", "ProfileName", "Action", ("ProfileVersion",)),
}
# Properties of permissions that only name or describe them, set a language, or matter when access is revoked.
DESCRIBING = frozenset(
    {"StatementId", "Name", "GrantName", "DisplayName", "Description", "Tags", "AcceptLanguage", "Force"}
)


# Types that AWS gives a policy, or treats as if they had this policy, if the template has none. Each has its statement.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
# https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
# https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
# https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
EVERYTHING = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
DEFAULT_POLICIES: Mapping[str, tuple[str, Statement]] = {
    "AWS::ApiGateway::RestApi": ("Policy", EVERYTHING | {"Action": "execute-api:Invoke"}),
    "AWS::EC2::VPCEndpoint": ("PolicyDocument", EVERYTHING),
    "AWS::EFS::FileSystem": ("FileSystemPolicy", EVERYTHING | {"Action": "elasticfilesystem:Client*"}),
    "AWS::KMS::Key": (
        "KeyPolicy",
        {"Effect": "Allow", "Principal": {"AWS": "the account"}, "Action": "kms:*", "Resource": "*"},
    ),
}


def granted_statements(resource: Mapping[str, Any]) -> Iterator[Statement]:
    """Yield a made-up IAM statement for each setting that affects access but is not a policy.

    Examples of such settings are a list of managed policies and a permissions boundary. For a resource of a type in
    `PERMISSIONS`, such as `AWS::Lambda::Permission`, use `permission_statement`.
    """
    kind, properties = str(resource.get("Type")), resource.get("Properties", {})
    if kind in ATTACHED_BY:
        for item in (item for name in ATTACHED_BY[kind] for item in as_list(properties.get(name, []))):
            yield {"Effect": "Allow", "Action": "everything that this policy allows", "Principal": item}
    else:
        for name, words in GRANTED_ELSEWHERE.items():
            for item in as_list(properties.get(name, [])):
                yield {"Effect": "Allow", "Action": words, "Resource": item}
    yield from opened_statements(kind, properties)
    yield from handed_roles(kind, properties)
    if BOUNDARY in properties:
        outside = "everything that the permissions boundary does not allow"
        yield {"Effect": "Deny", "Action": outside, "Resource": properties[BOUNDARY]}


def statements_of_use(resource: Mapping[str, Any]) -> Iterator[Statement]:
    """Yield a made-up IAM statement for each role that a resource uses. It allows "everything that its role may do".

    If AWS adds a default policy to the resource, also yield the statement of the default policy.

    Call this function only for a resource that exists both before and after a change.
    """
    kind, properties = str(resource.get("Type")), resource.get("Properties", {})
    if kind not in {*ATTACHED_BY, *PERMISSIONS, *HANDED_ROLES, "AWS::IAM::Role"}:
        yield from roles(properties, kind)
    name, statement = DEFAULT_POLICIES.get(kind, ("", {}))
    if name and may_be_absent(properties.get(name, NO_VALUE)):
        yield statement


def permission_statement(resource_type: str, properties: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an IAM statement with the access that a permission grants. An example is an `AWS::Lambda::Permission`.

    Return None if resources of this type are not permissions, or if the resource grants access to nobody.
    """
    permission = PERMISSIONS.get(resource_type)
    if permission is None or not permission.is_given_by(properties):
        return None
    principal = properties.get(permission.principals, permission.others)
    kind = "Service" if is_service_principal(principal) else "AWS"
    read = {*permission[:3], *DESCRIBING, *(opening.name for opening in OPENED.get(resource_type, ()))}
    rest = {name: value for name, value in properties.items() if name not in read}
    conditions = {name: _as_one(value) for name, value in rest.items() if name not in permission.grants}
    more = [
        f"{name} {item if isinstance(item, str) else json.dumps(item, sort_keys=True, default=str)}"
        for name, value in rest.items()
        if name not in permission.conditions
        for item in as_list(value)
    ]
    action = properties.get(permission.action, permission.action)
    return {
        "Effect": "Allow",
        "Principal": {kind: principal},
        "Action": [*as_list(action), *more] if more else action,
        **({"Resource": properties[permission.resources]} if permission.resources in properties else {}),
        **({"Condition": {"Equals": conditions}} if conditions else {}),
    }


def _as_one(value: Any) -> Any:
    """If `value` is a list or a map, return a list with `value` as its only item. Otherwise, return `value`.

    A comparison of conditions then compares `value` as a whole, instead of item by item.
    """
    return [value] if isinstance(value, list | Mapping) and not is_intrinsic_function(value) else value


def as_list(value: Any) -> list[Any]:
    """Return an element of a policy, such as `Action`, as a list. In a policy, it can be a single value, too."""
    return value if isinstance(value, list) else [value]
