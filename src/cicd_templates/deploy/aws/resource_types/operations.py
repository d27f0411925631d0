"""The operations that make up one row: find a resource by its name, see and delete it, empty it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients

# The error codes for a resource that does not exist. HEAD has no body, so the code of S3's error is the status.
NOT_FOUND_CODES = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "ClusterNotFoundException",
        "InvalidNetworkInterfaceID.NotFound",
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
    """A resource that has a given name.

    `tags` are None where its service was not asked for them. `foreign` marks one of another account, whose ARN cannot
    be read.
    """

    arn: str
    tags: Mapping[str, str] | None = None
    foreign: bool = False


Find = Callable[[Clients, str], ExistingResource | None]
OnProgress = Callable[[int], None]


@dataclass(frozen=True)
class Leftover:
    """How a resource can exist outside the stacks, and how it is removed.

    `why`: what leaves one behind, a sentence for docs/destroying.md.
    `removal`: how to remove one by hand, in words and commands, with `{name}` and `{region}`.
    `state`: the state of one: empty where it does not exist, `EXISTS`, or when or why it will be gone by itself.
    `delete`: delete one, with what it holds. None where destroy only lists it.
    """

    why: str
    removal: str
    state: Callable[[Clients, str], str]
    delete: Callable[[Clients, str], object] | None = None


@dataclass(frozen=True)
class Contents:
    """What has to be deleted before a resource can be.

    `describe` returns how much one holds, in words; `empty` deletes all of it and returns how much that was, and calls
    its last argument with the count so far.
    """

    describe: Callable[[Clients, str], str]
    empty: Callable[[Clients, str, OnProgress], int]


@dataclass(frozen=True)
class ResourceOperations:
    """The operations of one resource type; what is not known or not needed is None.

    `find` looks a physical name up and raises `ClientError` with one of `NOT_FOUND_CODES`, or returns None, where the
    name is free. `delete_command` are the words after `aws` that delete an empty resource, with `{name}` and `{arn}`.
    """

    find: Find | None = None
    delete_command: str = ""
    leftover: Leftover | None = None
    contents: Contents | None = None


def unless_not_found(state: Callable[[Clients, str], str]) -> Callable[[Clients, str], str]:
    """Return `state`, with an empty state instead of the error that the resource does not exist."""

    def state_or_empty(clients: Clients, name: str) -> str:
        try:
            return state(clients, name)
        except ClientError as error:
            if error.response["Error"]["Code"] in NOT_FOUND_CODES:
                return ""
            raise

    return state_or_empty


def always_exists(clients: Clients, name: str) -> str:
    """Return the state of a resource that was just listed, where its service has nothing more to say."""
    return EXISTS


def first_of(resources: Any, arn_key: str) -> ExistingResource | None:
    """Return the first of the resources in an answer, or None where there is none."""
    return ExistingResource(resources[0][arn_key]) if resources else None


def tags_as_mapping(tags: Any) -> dict[str, str]:
    """Return tags by key, whether a service answers with a mapping or with a list of `Key` and `Value`."""
    return dict(tags) if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}


def tags_or_none(read_tags: Callable[[], Any]) -> dict[str, str] | None:
    """Return the tags that `read_tags` asks a service for; None where it refuses to tell them."""
    try:
        return tags_as_mapping(read_tags())
    except ClientError:
        return None


def describe_count(count: int, noun: str, *, more: bool) -> str:
    """Return a count in words: `empty`, `1 image`, `1,000 versions or more`."""
    if not count:
        return "empty"
    return f"{count:,} {noun}{'s' if count != 1 else ''}{' or more' if more else ''}"
