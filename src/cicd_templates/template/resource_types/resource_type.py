"""The facts that make up one row of the table of resource types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class PolicyCheck(Enum):
    """The check that asks for an explicit DeletionPolicy and UpdateReplacePolicy on a type that holds data."""

    CFN_LINT = "I3011"
    OWN_RULE = "E9141"


@dataclass(frozen=True)
class Interruption:
    """Why an update in place interrupts what runs; `properties` are those that do, None for all but the tags."""

    reason: str
    properties: frozenset[str] | None = None


class NameScope(Enum):
    """The area in which no two resources of a type may have the same physical name."""

    REGION = "region"
    ACCOUNT = "account"
    GLOBAL = "global"


@dataclass(frozen=True)
class ResourceType:
    """What is known of one resource type; an empty value means that the fact does not apply or is not needed.

    `type_name`: as templates spell it. `name_property`: the property with the physical name. `name_limit`: the longest
    physical name in characters, by the type's schema or the API reference. `name_scope`: where the physical name must
    be unique: in a region of an account, in an account, in all of AWS. `name_within`: other properties that belong to
    that uniqueness, such as the VPC of a security group. `reserved_beginnings`: with what AWS allows no physical name
    of a customer to begin. `names_shared_with`: another type, if both types share one set of names.
    `import_identifier`: the property by which CloudFormation imports one, `primaryIdentifier` of the type's schema.
    `create_only`: the properties besides the name that only a replacement changes, of a type that can be imported.
    `loss`: what is lost with a stateful resource and cannot be rendered again. `kept_when_protected`: whether
    destroying a protected environment keeps it although no stack owns it. `policies_checked_by`: who requires both data
    policies on it. `interruption`: the updates in place that interrupt what runs. `billed`: what AWS bills for as long
    as one exists, used or not, and by what unit, by the service's pricing page. `arns`: the ARN after the partition of
    each kind of resource, by the kind's name in IAM's service authorization reference. `{name}` stands for the physical
    name. `arn_names_of`: the type whose physical names are in the ARNs of this type, such as a listener's load
    balancer. `names_in_environment`: the pattern of the physical names of one environment: `{prefix}` is what they
    begin with, `{path}` the environment's path in Parameter Store and in the logs.
    """

    type_name: str
    name_property: str = ""
    name_limit: int | None = None
    name_scope: NameScope = NameScope.REGION
    name_within: tuple[str, ...] = ()
    reserved_beginnings: tuple[str, ...] = ()
    names_shared_with: str = ""
    import_identifier: str = ""
    create_only: frozenset[str] = frozenset()
    loss: str = ""
    kept_when_protected: bool = False
    policies_checked_by: PolicyCheck | None = None
    interruption: Interruption | None = None
    billed: str = ""
    arns: Mapping[str, str] = field(default_factory=dict)
    arn_names_of: str = ""
    names_in_environment: str = "{prefix}-*"
