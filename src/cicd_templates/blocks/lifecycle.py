"""What happens to data when its stack goes: decided once, by the environment's protection."""

from __future__ import annotations

from typing import TypeVar

from troposphere import AWSObject

from cicd_templates.config.environment import Environment
from cicd_templates.template.metadata import REASONS_KEY

R = TypeVar("R", bound=AWSObject)


def stateful(resource: R, env: Environment) -> R:
    """`resource` with both life-cycle policies.

    Protected data stays when its stack is deleted or its resource replaced, except after a creation that failed,
    when it is empty and would be in the way. CloudFormation takes `RetainExceptOnCreate` for deletion only:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """
    resource.DeletionPolicy = "RetainExceptOnCreate" if env.protected else "Delete"
    resource.UpdateReplacePolicy = "Retain" if env.protected else "Delete"
    return resource


def transient(resource: R) -> R:
    """`resource` that goes with its stack everywhere: what it holds is worth nothing without it."""
    resource.DeletionPolicy = "Delete"
    resource.UpdateReplacePolicy = "Delete"
    return resource


def because(resource: R, *reasons: str) -> R:
    """`resource` with the reasons that a reviewer should read above it, in the order given."""
    if reasons:
        resource.Metadata = {**resource.resource.get("Metadata", {}), REASONS_KEY: list(reasons)}
    return resource


def excepted(resource: R, check: str, reason: str) -> R:
    """`resource` excepted from one of checkov's checks; the reason stands in its metadata and above it."""
    before = resource.resource.get("Metadata", {})
    skips = before.get("checkov", {}).get("skip", [])
    resource.Metadata = {
        REASONS_KEY: [*before.get(REASONS_KEY, ()), f"{reason} ({check})"],
        "checkov": {"skip": [*skips, {"id": check, "comment": reason}]},
    }
    return resource
