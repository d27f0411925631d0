"""Where policies stand in resources, and their statements with lists where IAM takes a single value too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cicd_templates.rules.reading import EACH, Found, Path, Resource, spelled, values

# What a role, user or group may do.
IDENTITY: Mapping[str, tuple[str, ...]] = {
    "AWS::IAM::Group": ("Policies", EACH, "PolicyDocument"),
    "AWS::IAM::GroupPolicy": ("PolicyDocument",),
    "AWS::IAM::ManagedPolicy": ("PolicyDocument",),
    "AWS::IAM::Policy": ("PolicyDocument",),
    "AWS::IAM::Role": ("Policies", EACH, "PolicyDocument"),
    "AWS::IAM::RolePolicy": ("PolicyDocument",),
    "AWS::IAM::User": ("Policies", EACH, "PolicyDocument"),
    "AWS::IAM::UserPolicy": ("PolicyDocument",),
    "AWS::SSO::PermissionSet": ("InlinePolicy",),
}
# Who may become a role.
TRUST: Mapping[str, tuple[str, ...]] = {"AWS::IAM::Role": ("AssumeRolePolicyDocument",)}
# Who may do what with the resource that the policy is attached to.
RESOURCE: Mapping[str, tuple[str, ...]] = {
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
}
EVERY = (IDENTITY, TRUST, RESOURCE)
EVERY_TYPE = frozenset().union(*EVERY)


class Statement(NamedTuple):
    """A statement of a policy, and where it stands."""

    found: Found

    @property
    def path(self) -> Path:
        """Where it stands, from the top of the resource."""
        return self.found.path

    @property
    def sid(self) -> str:
        """Its name, or where there is none a word for it."""
        sid = self.found.value.get("Sid")
        return str(sid) if isinstance(sid, str) else "a statement"

    @property
    def allows(self) -> bool:
        """Whether it allows; a denial is the other thing it can do."""
        return bool(self.found.value.get("Effect") == "Allow")

    def each(self, key: str) -> Iterator[Found]:
        """The items under `key`, a single one too."""
        return values(self.found, key, EACH)

    def texts(self, key: str) -> Iterator[tuple[str, Path]]:
        """Those items under `key` that are spelled in the template, as far as they are."""
        for item in self.each(key):
            text = spelled(item.value)
            if text is not None:
                yield text, item.path

    def actions(self) -> list[str]:
        """Its actions in lower case, as IAM compares them."""
        return [action.lower() for action, _ in self.texts("Action")]

    def principals(self) -> Iterator[tuple[str, str, Path]]:
        """`(kind, name, path)` of its principals; the kind of `"*"` alone is AWS, and its name `*`."""
        for found in values(self.found, "Principal"):
            if isinstance(found.value, dict):
                for kind in found.value:
                    for each in values(found, str(kind), EACH):
                        yield str(kind), spelled(each.value) or "${}", each.path
            elif isinstance(found.value, str):
                yield "AWS", str(found.value), found.path

    def condition_keys(self) -> Iterator[tuple[str, str]]:
        """`(operator, key)` of its conditions, the key in lower case, as IAM compares it."""
        for found in values(self.found, "Condition"):
            if not isinstance(found.value, dict):
                continue
            for operator in found.value:
                for inner in values(found, str(operator)):
                    if isinstance(inner.value, dict):
                        yield from ((str(operator), str(key).lower()) for key in inner.value)


def statements(resource: Resource, *tables: Mapping[str, tuple[str, ...]]) -> Iterator[Statement]:
    """The statements of the policies of `resource` that `tables` know a place for."""
    for table in tables:
        place = table.get(resource.type)
        if place is not None:
            for found in resource.properties(*place, "Statement", EACH):
                if isinstance(found.value, dict):
                    yield Statement(found)


def account_of(principal: str) -> str | None:
    """The account of a principal that admits a whole account: its number, or an ARN that ends in `:root`."""
    if principal.isdecimal() and len(principal) == 12:
        return principal
    parts = principal.split(":")
    if len(parts) == 6 and parts[5] == "root":
        return parts[4]
    # In `arn:${AWS::Partition}:...` the pseudo parameters have colons of their own.
    plain = principal.replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", "this")
    return account_of(plain) if plain != principal else None


def named(resource: Resource, body: Any) -> bool:
    """Whether `body` (of `Ref` or `Fn::GetAtt`) leads to `resource`."""
    if not isinstance(body, dict) or len(body) != 1:
        return False
    if "Ref" in body:
        return bool(body["Ref"] == resource.name)
    target = body.get("Fn::GetAtt")
    if isinstance(target, list) and target:
        return bool(target[0] == resource.name)
    return isinstance(target, str) and target.split(".")[0] == resource.name
