"""Problems of the roles of an environment: a permissions boundary that IAM would refuse."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.environment import Environment
from cicd_templates.config.validation.problem import Problem
from cicd_templates.template.arn import Arn

# In the place of an account, in the ARNs of the policies that AWS manages.
AWS_MANAGED = "aws"


def problems_in(environment: Environment) -> Iterator[Problem]:
    """Yield a boundary of another account; IAM accepts only a policy of the role's own account, or one of AWS."""
    if environment.settings.permissions_boundary is None:
        return
    account = Arn.parse(environment.settings.permissions_boundary).account
    if account not in (environment.account, AWS_MANAGED):
        yield Problem(
            f"environments.{environment.name}.permissions_boundary",
            f"belongs to account {account}; a role accepts only a policy of its own account, {environment.account}",
        )
