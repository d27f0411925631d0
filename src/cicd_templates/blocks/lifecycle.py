"""What happens to data when its stack goes: decided once, by the environment's protection."""

from __future__ import annotations

from typing import TypeVar

from troposphere import AWSObject

from cicd_templates.environment import Environment
from cicd_templates.rendering import WHY

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


def because(resource: R, *reasons: str) -> R:
    """`resource` with the reasons that a reviewer should read above it, in the order given."""
    if reasons:
        resource.Metadata = {WHY: list(reasons)}
    return resource
