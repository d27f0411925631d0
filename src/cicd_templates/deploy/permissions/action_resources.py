"""Finds the ARNs on which to allow an action: only the environment's resources, if IAM supports that. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cicd_templates.template.partitions import partition_of
from cicd_templates.template.resource_types.registry import RESOURCE_TYPES
from cicd_templates.template.resource_types.resource_type import ResourceType
from cicd_templates.template.stack_template import StackTemplate

# Resource types by service and kind of resource; the kinds are those of IAM's service authorization reference.
TYPE_OF_KIND: Mapping[tuple[str, str], ResourceType] = {
    (pattern.partition(":")[0], kind): resource_type
    for resource_type in RESOURCE_TYPES.values()
    for kind, pattern in resource_type.arns.items()
}
CREATE_SERVICE_LINKED_ROLE = "iam:CreateServiceLinkedRole"
PASS_ROLE = "iam:PassRole"  # noqa: S105 - an action
EVERY_RESOURCE = ("*",)


@dataclass(frozen=True)
class EnvironmentNames:
    """The account and region of one environment, and the prefixes of its names.

    Physical names begin with `prefix`. Paths in Parameter Store and names of log groups begin with `path`.
    """

    partition: str
    region: str
    account: str
    prefix: str
    path: str
    role_path: str

    @classmethod
    def of(cls, stacks: Sequence[StackTemplate]) -> EnvironmentNames:
        """Return the names of the environment that `stacks` belong to."""
        first = stacks[0]
        resources = [resource for stack in stacks for resource in stack.resources.values()]
        role_paths = [role["Properties"].get("Path", "/") for role in resources if role["Type"] == "AWS::IAM::Role"]
        return cls(
            partition=partition_of(first.region).name,
            region=first.region,
            account=first.account,
            prefix=f"{first.facts.project}-{first.environment}",
            path=first.parameter_root,
            role_path=role_paths[0] if role_paths else "/",
        )

    def arn_pattern(self, resource_type: ResourceType, kind: str) -> str:
        """Return the pattern of the ARNs that this environment's resources of a type have as resources of `kind`."""
        names = resource_type.names_in_environment.format(prefix=self.prefix, path=self.path)
        arn = resource_type.arns[kind].format(
            region=self.region, account=self.account, role_path=self.role_path, name=names
        )
        return f"arn:{self.partition}:{arn}"


def scope(action: str, kinds: Iterable[str], names: EnvironmentNames) -> tuple[str, ...]:
    """Return the ARNs on which to allow `action`. `kinds` are the kinds of resources to which it can be restricted.

    Returns only `*` if IAM cannot restrict the action to the environment's names.
    """
    service = action.partition(":")[0]
    if action == CREATE_SERVICE_LINKED_ROLE:
        return (f"arn:{names.partition}:iam::{names.account}:role/aws-service-role/*",)
    patterns = {
        names.arn_pattern(TYPE_OF_KIND[service, kind], kind) for kind in kinds if (service, kind) in TYPE_OF_KIND
    }
    return tuple(sorted(patterns)) or EVERY_RESOURCE
