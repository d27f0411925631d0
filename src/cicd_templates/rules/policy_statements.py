"""Lists, for each resource type, the properties that contain policies, and reads the statements of these policies.

IAM accepts a single value instead of a list. This module reads such a value as a list with one item.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cicd_templates.rules.reading import EACH, Path, Resource, TemplateNode, known_text, values
from cicd_templates.template.arn import Arn

# Identity-based policies: what a role, user or group may do.
IDENTITY_POLICIES: Mapping[str, tuple[str, ...]] = {
    "AWS::IAM::Group": ("Policies", EACH, "PolicyDocument"),
    "AWS::IAM::GroupPolicy": ("PolicyDocument",),
    "AWS::IAM::ManagedPolicy": ("PolicyDocument",),
    "AWS::IAM::Policy": ("PolicyDocument",),
    "AWS::IAM::Role": ("Policies", EACH, "PolicyDocument"),
    "AWS::IAM::RolePolicy": ("PolicyDocument",),
    "AWS::IAM::User": ("Policies", EACH, "PolicyDocument"),
    "AWS::IAM::UserPolicy": ("PolicyDocument",),
    "AWS::SSO::PermissionSet": ("InlinePolicy",),
    "AWS::EKS::PodIdentityAssociation": ("Policy",),
    "AWS::RolesAnywhere::Profile": ("SessionPolicy",),
    "AWS::Transfer::User": ("Policy",),
}
# Trust policies: who may assume a role.
TRUST_POLICIES: Mapping[str, tuple[str, ...]] = {"AWS::IAM::Role": ("AssumeRolePolicyDocument",)}
# Resource-based policies: who may do what with the resource.
RESOURCE_POLICIES: Mapping[str, tuple[str, ...]] = {
    "AWS::ApiGateway::RestApi": ("Policy",),
    "AWS::Backup::BackupVault": ("AccessPolicy",),
    "AWS::ECR::Repository": ("RepositoryPolicyText",),
    "AWS::EFS::FileSystem": ("FileSystemPolicy",),
    "AWS::Events::EventBus": ("Policy",),
    "AWS::KMS::Key": ("KeyPolicy",),
    "AWS::KMS::ReplicaKey": ("KeyPolicy",),
    "AWS::OpenSearchService::Domain": ("AccessPolicies",),
    "AWS::S3::AccessPoint": ("Policy",),
    "AWS::S3::BucketPolicy": ("PolicyDocument",),
    "AWS::SNS::TopicInlinePolicy": ("PolicyDocument",),
    "AWS::SNS::TopicPolicy": ("PolicyDocument",),
    "AWS::SQS::QueueInlinePolicy": ("PolicyDocument",),
    "AWS::SQS::QueuePolicy": ("PolicyDocument",),
    "AWS::SecretsManager::ResourcePolicy": ("ResourcePolicy",),
    "AWS::APS::ResourcePolicy": ("PolicyDocument",),
    "AWS::BedrockAgentCore::ResourcePolicy": ("Policy",),
    "AWS::DSQL::Cluster": ("PolicyDocument",),
    "AWS::ECR::RepositoryCreationTemplate": ("RepositoryPolicy",),
    "AWS::Logs::Destination": ("DestinationPolicy",),
    "AWS::Logs::ResourcePolicy": ("PolicyDocument",),
    "AWS::MediaStore::Container": ("Policy",),
    "AWS::PaymentCryptography::Key": ("Policy",),
    "AWS::RUM::AppMonitor": ("ResourcePolicy", "PolicyDocument"),
    "AWS::XRay::ResourcePolicy": ("PolicyDocument",),
}
# Types of the tables above whose schema has the policy as a string, so that it cannot be written as a map everywhere.
TEXT_TYPES = frozenset(
    {
        "AWS::EKS::PodIdentityAssociation",
        "AWS::RolesAnywhere::Profile",
        "AWS::Transfer::User",
        "AWS::APS::ResourcePolicy",
        "AWS::BedrockAgentCore::ResourcePolicy",
        "AWS::DSQL::Cluster",
        "AWS::ECR::RepositoryCreationTemplate",
        "AWS::Logs::Destination",
        "AWS::Logs::ResourcePolicy",
        "AWS::MediaStore::Container",
        "AWS::PaymentCryptography::Key",
        "AWS::RUM::AppMonitor",
        "AWS::XRay::ResourcePolicy",
    }
)
ALL_POLICIES = (IDENTITY_POLICIES, TRUST_POLICIES, RESOURCE_POLICIES)
POLICY_TYPES = frozenset().union(*ALL_POLICIES)
# Variables whose values have no quotation marks, unlike the values of parameters: attributes and pseudo parameters.
_SAFE_VARIABLE = re.compile(r"\$\{(?:AWS::\w+|\w+\.[\w.]+)\}")


class PolicyStatement(NamedTuple):
    """A statement of a policy, and where it is in the resource."""

    node: TemplateNode

    @property
    def path(self) -> Path:
        """Return the path from the resource to the statement in it."""
        return self.node.path

    @property
    def sid(self) -> str:
        """Return the Sid for use in a message, or the words `a statement` if there is none."""
        sid = self.node.value.get("Sid")
        return str(sid) if isinstance(sid, str) else "a statement"

    @property
    def allows(self) -> bool:
        """Return whether the effect is Allow."""
        return bool(self.node.value.get("Effect") == "Allow")

    def each(self, key: str) -> Iterator[TemplateNode]:
        """Return the items that the statement has under `key`. A single value counts as a list with one item."""
        return values(self.node, key, EACH)

    def texts(self, key: str) -> Iterator[tuple[str, Path]]:
        """Yield the text and the path of each item that the statement has under `key`.

        Items whose text is unknown before the deployment are left out.
        """
        for item in self.each(key):
            text = known_text(item.value)
            if text is not None:
                yield text, item.path

    def actions(self) -> list[str]:
        """Return the actions in lower case, because IAM ignores their case."""
        return [action.lower() for action, _ in self.texts("Action")]

    def principals(self) -> Iterator[tuple[str, str, Path]]:
        """Yield `(kind, name, path)` of each principal; for `Principal: "*"`, the kind is AWS and the name is `*`."""
        for node in values(self.node, "Principal"):
            if isinstance(node.value, dict):
                for kind in node.value:
                    for each in values(node, str(kind), EACH):
                        yield str(kind), known_text(each.value) or "${}", each.path
            elif isinstance(node.value, str):
                yield "AWS", str(node.value), node.path

    def condition_keys(self) -> Iterator[tuple[str, str]]:
        """Yield `(operator, key)` of each condition. The keys are in lower case, because IAM ignores their case."""
        for node in values(self.node, "Condition"):
            if not isinstance(node.value, dict):
                continue
            for operator in node.value:
                for inner in values(node, str(operator)):
                    if isinstance(inner.value, dict):
                        yield from ((str(operator), str(key).lower()) for key in inner.value)


def resource_statements(resource: Resource, *tables: Mapping[str, tuple[str, ...]]) -> Iterator[PolicyStatement]:
    """Yield the statements in the policies of `resource`.

    Each of `tables` maps resource types to the path of the policies in the resource's properties.
    """
    for table in tables:
        place = table.get(resource.type)
        if place is not None:
            for policy in resource.properties(*place):
                document = parsed_policy(policy.value) if resource.type in TEXT_TYPES else None
                for node in values(policy if document is None else policy._replace(value=document), "Statement", EACH):
                    if isinstance(node.value, dict):
                        yield PolicyStatement(node)


def parsed_policy(value: Any) -> dict[str, Any] | None:
    """Return the policy in `value`, which is a JSON text or an `Fn::Sub` with a JSON text.

    Return None in all other cases:

    - The text is not a policy.
    - CloudFormation computes the text in another way.
    - A variable of the `Fn::Sub` could change the structure of the policy.
    """
    text = known_text(value)
    if text is None or (text != value and (not is_sub(value) or "${" in _SAFE_VARIABLE.sub("", text))):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and "Statement" in document else None


def is_sub(value: Any) -> bool:
    """Return whether `value` is an `Fn::Sub` with a text as its only argument."""
    return isinstance(value, dict) and isinstance(value.get("Fn::Sub"), str)


def account_of(principal: str) -> str | None:
    """Return the account number if `principal` is a whole account, otherwise None.

    A whole account is written as its number, or as an ARN that ends in `:root`.
    """
    if principal.isdecimal() and len(principal) == 12:
        return principal
    try:
        # Pseudo parameters contain colons, but these do not separate parts of the ARN.
        arn = Arn.parse(principal.replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", "this"))
    except ValueError:
        return None
    return arn.account if arn.resource == "root" else None


def refers_to(resource: Resource, body: Any) -> bool:
    """Return whether `body` is a `Ref` or `Fn::GetAtt` of `resource`."""
    if not isinstance(body, dict) or len(body) != 1:
        return False
    if "Ref" in body:
        return bool(body["Ref"] == resource.name)
    target = body.get("Fn::GetAtt")
    if isinstance(target, list) and target:
        return bool(target[0] == resource.name)
    return isinstance(target, str) and target.split(".")[0] == resource.name
