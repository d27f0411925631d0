"""Defines the operations on resources of one type: find by name, read the state, empty and delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients

T = TypeVar("T")
# The error codes for a resource that does not exist. The answer to a HEAD request has no body, so the error code of S3
# is then the HTTP status.
NOT_FOUND_CODES = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "ClusterNotFoundException",
        "DBClusterNotFoundFault",
        "DBClusterSnapshotNotFoundFault",
        "DBInstanceNotFound",
        "DBParameterGroupNotFound",
        "DBSubnetGroupNotFoundFault",
        "InvalidGroup.NotFound",
        "InvalidNetworkInterfaceID.NotFound",
        "InvalidVpcEndpointId.NotFound",
        "LoadBalancerNotFound",
        "NoSuchBucket",
        "NoSuchEntity",
        "NotFound",
        "NotFoundException",
        "ParameterNotFound",
        "PipelineNotFoundException",
        "QueueDoesNotExist",
        "RepositoryNotFoundException",
        "ResourceNotFoundException",
        "TargetGroupNotFound",
    }
)
# The state of a resource that exists and is not being deleted.
EXISTS = "exists"


@dataclass(frozen=True)
class ExistingResource:
    """A resource that was found by its name.

    `tags` is None if the tags were not requested or the service refused to return them. `foreign` is true if the
    resource belongs to another account; then its ARN is unknown.
    """

    arn: str
    tags: Mapping[str, str] | None = None
    foreign: bool = False


Find = Callable[[Clients, str], ExistingResource | None]
OnProgress = Callable[[int], None]


@dataclass(frozen=True)
class Leftover:
    """Facts about the leftovers of one resource type: resources that remain and belong to no stack.

    - `why`: a sentence for docs/destroying.md that says why such a resource remains.
    - `removal`: how to remove the resource by hand, in words and commands, with the placeholders `{name}` and
      `{region}`.
    - `state`: a function that returns the state of a resource. The state is empty if the resource does not exist. If
      AWS will delete the resource, the state says when or why. Otherwise, it is `EXISTS`.
    - `delete`: a function that deletes the resource and everything in it. If it is None, `destroy` lists the resource,
      but does not delete it.
    - `kept_when_protected`: whether a protected environment keeps the resource. For types that CloudFormation knows,
      leave this field out: `template/resource_types` says which of these types are kept.
    """

    why: str
    removal: str
    state: Callable[[Clients, str], str]
    delete: Callable[[Clients, str], object] | None = None
    kept_when_protected: bool = False


@dataclass(frozen=True)
class Contents:
    """The contents of a resource. They must be deleted before the resource itself.

    - `describe` returns the amount of the contents in words.
    - `empty` deletes the contents and returns the number of deleted items. Its last argument is a callback for the
      progress, which gets the number of items deleted so far.
    - `describe_lock` returns a text about the lock that prevents the deletion of the contents, or an empty string.
    """

    describe: Callable[[Clients, str], str]
    empty: Callable[[Clients, str, OnProgress], int]
    describe_lock: Callable[[Clients, str], str] = lambda clients, name: ""


@dataclass(frozen=True)
class DeletionProtection:
    """A setting of a resource that makes AWS refuse to delete the resource.

    - `is_on` returns whether the setting is on. If the resource does not exist, the result is false.
    - `lift` switches the setting off, and returns a text that says what was done.
    - `command` is the AWS CLI command that does the same as `lift`, with the placeholders `{region}` and `{name}`.

    The arguments of `is_on` and `lift` are the clients and the resource's physical id.
    """

    is_on: Callable[[Clients, str], bool]
    lift: Callable[[Clients, str], str]
    command: str


@dataclass(frozen=True)
class ResourceOperations:
    """The operations on one resource type. A field is None or empty if its operation is unknown or not needed.

    - `find` returns the resource with a given physical name. If the resource does not exist, `find` returns None, or
      raises `ClientError` with one of `NOT_FOUND_CODES`.
    - `delete_command` is the AWS CLI command that deletes an empty resource. The command contains the placeholders
      `{name}` and `{arn}`, and does not begin with the word `aws`.
    """

    find: Find | None = None
    delete_command: str = ""
    leftover: Leftover | None = None
    contents: Contents | None = None
    protection: DeletionProtection | None = None


def unless_not_found(call: Callable[[Clients, str], T], missing: T) -> Callable[[Clients, str], T]:
    """Return a function that does the same as `call`, but returns `missing` if the resource does not exist."""

    def call_or_missing(clients: Clients, name: str) -> T:
        try:
            return call(clients, name)
        except ClientError as error:
            if error.response["Error"]["Code"] in NOT_FOUND_CODES:
                return missing
            raise

    return call_or_missing


def always_exists(clients: Clients, name: str) -> str:
    """Return the state `EXISTS`. Use this function for resources that AWS lists without a state."""
    return EXISTS


def first_of(resources: Any, arn_key: str) -> ExistingResource | None:
    """Return the first resource in an answer of AWS, or None if the answer lists no resources."""
    return ExistingResource(resources[0][arn_key]) if resources else None


def tags_as_mapping(tags: Any) -> dict[str, str]:
    """Return tags as a dict. Services return either a mapping or a list of objects with `Key` and `Value`."""
    return dict(tags) if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}


def tags_or_none(read_tags: Callable[[], Any]) -> dict[str, str] | None:
    """Return the result of `read_tags`, or None if the AWS service refuses to return the tags."""
    try:
        return tags_as_mapping(read_tags())
    except ClientError:
        return None


def describe_count(count: int, noun: str, *, more: bool) -> str:
    """Return a number of items as text: `empty`, `1 image` or `1,000 versions or more`."""
    if not count:
        return "empty"
    return f"{count:,} {noun}{'s' if count != 1 else ''}{' or more' if more else ''}"
