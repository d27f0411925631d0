"""Finds the ARNs to which a policy can limit an action. This module does not call AWS.

These are the ARNs of the environment's own resources, or `*` if IAM supports no ARNs for the action.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from cicd_templates.template.partitions import partition_of
from cicd_templates.template.previews import PREVIEW_PREFIX
from cicd_templates.template.resource_types.registry import RESOURCE_TYPES, facts_of
from cicd_templates.template.resource_types.resource_type import ResourceType
from cicd_templates.template.stack_template import StackTemplate

# Resource types by service and kind of resource; the kinds are those of IAM's service authorization reference.
TYPE_OF_KIND: Mapping[tuple[str, str], ResourceType] = {
    (pattern.partition(":")[0], kind): resource_type
    for resource_type in RESOURCE_TYPES.values()
    for kind, pattern in resource_type.arns.items()
}
CREATE_SERVICE_LINKED_ROLE = "iam:CreateServiceLinkedRole"
# `make doctor` looks up service-linked roles too.
GET_ROLE = "iam:GetRole"
PASS_ROLE = "iam:PassRole"  # noqa: S105 - an action
EVERY_ARN = ("*",)
# IAM's kind of resource for a scalable target. AWS generates the id in its ARN, and CloudFormation does not tag it. So
# neither a name nor a tag can limit these actions to one environment. Only the account, the region and the scaled
# service can limit them:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsapplicationautoscaling.html
SCALABLE_TARGET = "scalabletarget"
SCALED_SERVICE = {"StringEqualsIfExists": {"application-autoscaling:service-namespace": ["ecs"]}}
# A KMS grant stays valid when its creator loses the permission to use the key. So only AWS services may create grants,
# for the resources that they encrypt:
# https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-grant-is-for-aws-resource
CREATE_GRANT = "kms:CreateGrant"
FOR_AWS_SERVICES = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
# CloudFormation compares the condition with the text that the caller passes: the name or the ARN of the change set.
EXECUTE = "cloudformation:ExecuteChangeSet"
NO_PREVIEW = {
    "StringNotLike": {
        "cloudformation:ChangeSetName": [f"{PREVIEW_PREFIX}*", f"*:changeSet/{PREVIEW_PREFIX}*"],
    }
}
# For a database, RDS also uses default groups, whose resource types have these names in IAM. It also uses a secret with
# the administrator's password. RDS chooses the name of this secret.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/security_iam_id-based-policy-examples.html
DEFAULT_GROUPS = ("og", "pg")
MAKES_MANAGED_SECRET = frozenset({"secretsmanager:CreateSecret", "secretsmanager:TagResource"})
# The deployer lists the snapshots of a cluster without their names. RDS then authorizes the call for all snapshots, as
# it does for clusters and instances.
LISTS_SNAPSHOTS = "rds:DescribeDBClusterSnapshots"
# IAM authorizes this call for the path in the request. No page says whether the resource keeps the path's last slash:
# https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-retrieval-authorization.html
READS_A_PATH = "ssm:GetParametersByPath"
# The deployer calls DescribeStacks without a name, to find stacks that are no longer rendered. IAM then authorizes the
# call for all stacks:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
CALLED_WITHOUT_A_NAME = frozenset({"cloudformation:DescribeStacks"})
# A destruction reads the other stacks of this tool in the account, which may be those of another environment or
# project, to find what still uses or owns a resource.
READS_OTHER_STACKS = frozenset({"cloudformation:GetTemplate", "cloudformation:ListStackResources"})


@dataclass(frozen=True)
class EnvironmentNames:
    """The account and region of one environment, and the prefixes of its names.

    - Physical names begin with `prefix`. Parameter Store paths and log group names begin with `path`.
    - `exceptions` has the physical names that do not begin with `prefix`, keyed by resource type. Either AWS prescribes
      the name, or the prefix in the name is shortened.
    - If `copies` is true, the ARN patterns also match Parameter Store paths and log group names of the environment's
      parallel copies. The ARN patterns always match the copies' physical names, because these begin with `prefix`, too.
    - `databases` is true if the environment has a database.
    """

    partition: str
    region: str
    account: str
    prefix: str
    path: str
    role_path: str
    exceptions: Mapping[str, frozenset[str]]
    copies: bool = False
    databases: bool = False

    @classmethod
    def of(cls, stacks: Sequence[StackTemplate]) -> EnvironmentNames:
        """Return the `EnvironmentNames` of one environment. `stacks` are the environment's rendered stacks."""
        first = stacks[0]
        resources = [resource for stack in stacks for resource in stack.resources.values()]
        role_paths = [role["Properties"].get("Path", "/") for role in resources if role["Type"] == "AWS::IAM::Role"]
        prefix, path = f"{first.facts.project}-{first.environment}", first.parameter_root
        return cls(
            partition=partition_of(first.region).name,
            region=first.region,
            account=first.account,
            prefix=prefix,
            path=path,
            role_path=role_paths[0] if role_paths else "/",
            exceptions=_exceptions(resources, prefix, path),
            databases=any(resource["Type"] == "AWS::RDS::DBCluster" for resource in resources),
        )

    def arn_patterns(self, resource_type: ResourceType, kind: str) -> Iterator[str]:
        """Yield ARN patterns that match the environment's resources of one type. `kind` is IAM's name for the type."""
        exceptions = self.exceptions.get(resource_type.arn_names_of or resource_type.type_name, ())
        paths = [self.path, f"{self.path.rstrip('/')}-*/"] if self.copies else [self.path]
        usual = dict.fromkeys(_usual_names(resource_type, self.prefix, path) for path in paths)
        for names in (*usual, *(f"{name}*" for name in exceptions)):
            arn = resource_type.arns[kind].format(
                region=self.region, account=self.account, role_path=self.role_path, name=names
            )
            yield f"arn:{self.partition}:{arn}"


def _usual_names(resource_type: ResourceType, prefix: str, path: str) -> str:
    return resource_type.names_in_environment.format(prefix=prefix, path=path)


def _exceptions(resources: Iterable[Mapping[str, Any]], prefix: str, path: str) -> dict[str, frozenset[str]]:
    exceptions: dict[str, frozenset[str]] = {}
    for resource in resources:
        facts = facts_of(resource["Type"])
        name = resource.get("Properties", {}).get(facts.name_property)
        if isinstance(name, str):
            name = name.removeprefix("alias/")
            if not fnmatchcase(name, _usual_names(facts, prefix, path)):
                exceptions[facts.type_name] = exceptions.get(facts.type_name, frozenset()) | {name}
    return exceptions


def condition(action: str, resources: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Return the condition under which a policy allows `action` on `resources`, or an empty mapping."""
    if action == CREATE_GRANT:
        return FOR_AWS_SERVICES
    if action == EXECUTE:
        return NO_PREVIEW
    return SCALED_SERVICE if action.startswith("application-autoscaling:") and resources != EVERY_ARN else {}


def scope(action: str, kinds: Collection[str], names: EnvironmentNames) -> tuple[str, ...]:
    """Return the ARNs for the Resource element of a policy that allows `action`.

    If a policy cannot limit the action to resources, the result is `*`. `kinds` are the resource types of the action,
    under the names that IAM uses for them.
    """
    service = action.partition(":")[0]
    service_linked = f"arn:{names.partition}:iam::{names.account}:role/aws-service-role/*"
    if action == CREATE_SERVICE_LINKED_ROLE:
        return (service_linked,)
    if action in CALLED_WITHOUT_A_NAME:
        return EVERY_ARN
    if SCALABLE_TARGET in kinds:
        return (f"arn:{names.partition}:application-autoscaling:{names.region}:{names.account}:scalable-target/*",)
    if action in READS_OTHER_STACKS:
        return (f"arn:{names.partition}:cloudformation:{names.region}:{names.account}:stack/*",)
    patterns = {
        pattern
        for kind in kinds
        if (service, kind) in TYPE_OF_KIND
        for pattern in names.arn_patterns(TYPE_OF_KIND[service, kind], kind)
    }
    if action == LISTS_SNAPSHOTS:
        patterns.add(f"arn:{names.partition}:rds:{names.region}:{names.account}:cluster-snapshot:*")
    if action == READS_A_PATH:
        patterns |= {pattern.removesuffix("/*") for pattern in patterns}
    if names.databases:
        patterns |= _used_by_databases(action, kinds, names)
    if action == GET_ROLE:
        # If a role does not exist, IAM checks an ARN without the role's path. Without the second ARN, IAM would deny
        # the call that looks up whether such a role exists.
        patterns |= {service_linked, f"arn:{names.partition}:iam::{names.account}:role/AWSServiceRoleFor*"}
    return tuple(sorted(patterns)) or EVERY_ARN


def _used_by_databases(action: str, kinds: Collection[str], names: EnvironmentNames) -> set[str]:
    place = f"{names.region}:{names.account}"
    if action in MAKES_MANAGED_SECRET:
        return {f"arn:{names.partition}:secretsmanager:{place}:secret:rds!*"}
    if not action.startswith("rds:"):
        return set()
    return {f"arn:{names.partition}:rds:{place}:{kind}:default*" for kind in DEFAULT_GROUPS if kind in kinds}
