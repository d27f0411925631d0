"""Defines the facts that make up one row of the table of resource types."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple


class PolicyCheck(Enum):
    """The lint rule that requires a DeletionPolicy and an UpdateReplacePolicy for a type that holds data."""

    CFN_LINT = "I3011"
    OWN_RULE = "E9141"


class Interruption(NamedTuple):
    """A reason why an update in place interrupts a running resource.

    The reason comes from the documentation of the AWS service. CloudFormation's reference says only `Update requires:
    Some interruptions`, and the schemas of resource types do not mention interruptions.

    `properties` are the properties whose update interrupts the resource, or None for all properties except the tags.
    """

    reason: str
    properties: frozenset[str] | None = None


class NameScope(Enum):
    """The area in which a physical name must be unique among resources of the same type."""

    REGION = "region"
    ACCOUNT = "account"
    GLOBAL = "global"


class ResourceType(NamedTuple):
    """The facts about one resource type. An empty value means that the fact does not apply or is not needed.

    - `type_name`: the name in templates.
    - `loss`: the data that is lost with a stateful resource, because it cannot be rendered again.
    - `data_is_in`: a property that names another resource. If this property is set, the data is in the other resource.
      For a database instance, for example, the other resource is its cluster.
    - `kept_when_protected`: whether the destruction of a protected environment keeps resources of this type that belong
      to no stack.
    - `policies_checked_by`: the lint rule that requires a DeletionPolicy and an UpdateReplacePolicy.
    - `interruptions`: the updates in place that interrupt a running resource.
    - `irreversible`: properties that can never be changed back, each with the effect of its change.
    - `ends_with_it`: the effect of deleting a resource without data, such as `its tasks are stopped`.
    - `billed`: the item that AWS bills while a resource exists, even if nothing uses the resource. The item is followed
      by its unit, such as `alarm, per month`. The source is the service's pricing page.

    Physical names:

    - `name_property`: the property with the physical name.
    - `name_limit`: the longest name, in characters, according to the type's schema or the API reference.
    - `name_scope`: the area in which the name must be unique: a region of an account, an account, or all of AWS.
    - `name_within`: other properties that narrow this area, such as the VPC of a security group.
    - `reserved_beginnings`: beginnings that AWS does not allow in a customer's names.
    - `names_shared_with`: another type whose resources cannot have the same name as a resource of this type.
    - `names_may_repeat`: whether two resources may have the same name if they belong to different resources. For
      example, two roles may have inline policies with the same name.
    - `has_revisions`: whether several resources can have the same name, because they are its revisions, such as
      `task:3` and `task:4`.
    - `unique_property`: a property whose value two resources cannot have at the same time, such as the address range
      of a subnet. Only types without a physical name have it.
    - `names_in_environment`: the pattern of the names in one environment. `{prefix}` stands for the beginning of the
      names, and `{path}` for the environment's path in Parameter Store and in the logs.

    ARNs:

    - `arns`: the part of an ARN after the partition, keyed by the resource type in IAM's service authorization
      reference. `{name}` stands for the physical name.
    - `arn_names_of`: the type whose physical names are in the ARNs of this type. The ARN of a listener, for example,
      contains the name of its load balancer.

    Imports:

    - `import_identifier`: the property that identifies a resource when CloudFormation imports it; the type's schema
      calls it `primaryIdentifier`.
    - `create_only`: the properties, besides the name, that cannot change without a replacement. They are listed only
      for types that can be imported.
    """

    type_name: str
    name_property: str = ""
    name_limit: int | None = None
    name_scope: NameScope = NameScope.REGION
    name_within: tuple[str, ...] = ()
    reserved_beginnings: tuple[str, ...] = ()
    names_shared_with: str = ""
    names_may_repeat: bool = False
    has_revisions: bool = False
    unique_property: str = ""
    import_identifier: str = ""
    create_only: frozenset[str] = frozenset()
    loss: str = ""
    data_is_in: str = ""
    kept_when_protected: bool = False
    policies_checked_by: PolicyCheck | None = None
    interruptions: tuple[Interruption, ...] = ()
    irreversible: Mapping[str, str] = {}
    ends_with_it: str = ""
    billed: str = ""
    arns: Mapping[str, str] = {}
    arn_names_of: str = ""
    names_in_environment: str = "{prefix}-*"
