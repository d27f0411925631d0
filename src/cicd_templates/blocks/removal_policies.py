"""Deletion and replacement policies by the environment's protection, and the reasons that a resource carries."""

from __future__ import annotations

from typing import TypeVar

from troposphere import AWSObject

from cicd_templates.config.environment import Environment
from cicd_templates.template.metadata import REASONS_KEY

R = TypeVar("R", bound=AWSObject)


def stateful(resource: R, env: Environment) -> R:
    """Return `resource` with both policies of the environment's protection.

    Protected data stays when its stack is deleted or its resource replaced, except after a creation that failed,
    when it is empty and would be in the way. CloudFormation takes `RetainExceptOnCreate` for deletion only:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """
    resource.DeletionPolicy = "RetainExceptOnCreate" if env.protected else "Delete"
    resource.UpdateReplacePolicy = "Retain" if env.protected else "Delete"
    return resource


def transient(resource: R) -> R:
    """Return `resource`, to be deleted with its stack in every environment: its content is worthless without it."""
    resource.DeletionPolicy = "Delete"
    resource.UpdateReplacePolicy = "Delete"
    return resource


def because(resource: R, *reasons: str) -> R:
    """Return `resource` with the reasons that a reviewer should read above it, in the order given."""
    if reasons:
        resource.Metadata = {**resource.resource.get("Metadata", {}), REASONS_KEY: list(reasons)}
    return resource


def exempt_from_check(resource: R, check: str, reason: str) -> R:
    """Return `resource`, exempt from one of checkov's checks; the reason is in its metadata and above it."""
    before = resource.resource.get("Metadata", {})
    skips = before.get("checkov", {}).get("skip", [])
    resource.Metadata = {
        REASONS_KEY: [*before.get(REASONS_KEY, ()), f"{reason} ({check})"],
        "checkov": {"skip": [*skips, {"id": check, "comment": reason}]},
    }
    return resource
