"""Finds permissions boundaries that IAM would refuse for the roles of an environment."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.environment import Environment
from cicd_templates.config.validation.problem import Problem
from cicd_templates.template.arn import Arn

# The ARN of a policy that AWS manages has this word instead of an account id.
AWS_MANAGED = "aws"


def problems_in(environment: Environment) -> Iterator[Problem]:
    """Yield a problem if the permissions boundary is a policy of another account.

    IAM accepts only a policy of the role's own account, or a policy that AWS manages.
    """
    if environment.settings.permissions_boundary is None:
        return
    account = Arn.parse(environment.settings.permissions_boundary).account
    if account not in (environment.account, AWS_MANAGED):
        yield Problem(
            f"environments.{environment.name}.permissions_boundary",
            f"belongs to account {account}; a role accepts only a policy of its own account, {environment.account}",
        )
