"""Sets the deletion and replacement policies of resources, and adds comments with reasons to the templates."""

from __future__ import annotations

from typing import TypeVar

from troposphere import AWSObject

from cicd_templates.config.environment import Environment
from cicd_templates.template.metadata import REASONS_KEY

R = TypeVar("R", bound=AWSObject)


def stateful(resource: R, env: Environment) -> R:
    """Return `resource` with the deletion and replacement policies that match the environment's protection.

    In a protected environment, the resource and its data remain when the stack is deleted or the resource is replaced.
    There is one exception: if the deployment that creates the resource fails, CloudFormation deletes the resource, so
    that its name is free for the next deployment. The deletion policy is therefore `RetainExceptOnCreate`.
    The replacement policy is `Retain`, because replacement policies do not support `RetainExceptOnCreate`:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """
    resource.DeletionPolicy = "RetainExceptOnCreate" if env.protected else "Delete"
    resource.UpdateReplacePolicy = "Retain" if env.protected else "Delete"
    return resource


def transient(resource: R) -> R:
    """Return `resource` with policies that delete it with its stack, even in a protected environment.

    Use this only for a resource whose content has no value without the stack.
    """
    resource.DeletionPolicy = "Delete"
    resource.UpdateReplacePolicy = "Delete"
    return resource


def because(resource: R, *reasons: str) -> R:
    """Return `resource` with `reasons`, which the rendered template shows as comments above the resource."""
    if reasons:
        resource.Metadata = {**resource.resource.get("Metadata", {}), REASONS_KEY: list(reasons)}
    return resource


def exempt_from_check(resource: R, check: str, reason: str) -> R:
    """Return `resource`, marked as an exception to one check of checkov.

    The reason appears in the resource's metadata and as a comment above it.
    """
    before = resource.resource.get("Metadata", {})
    skips = before.get("checkov", {}).get("skip", [])
    resource.Metadata = {
        REASONS_KEY: [*before.get(REASONS_KEY, ()), f"{reason} ({check})"],
        "checkov": {"skip": [*skips, {"id": check, "comment": reason}]},
    }
    return resource


def exempt_from_rule(resource: R, rule: str, reason: str) -> R:
    """Return `resource`, marked as an exception to one rule of cfn-lint.

    The reason appears in the resource's metadata and as a comment above it.
    """
    before = resource.resource.get("Metadata", {})
    resource.Metadata = {
        **before,
        REASONS_KEY: [*before.get(REASONS_KEY, ()), f"{reason} ({rule})"],
        "cfn-lint": {"config": {"ignore_checks": [rule]}, "reasons": {rule: reason}},
    }
    return resource
