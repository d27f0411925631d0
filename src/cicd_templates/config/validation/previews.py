"""Finds problems with previews for pull requests: a missing repository, or a role that a pull request cannot assume."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.environment import Environment
from cicd_templates.config.validation.problem import Problem


def problems_in(environment: Environment) -> Iterator[Problem]:
    """If previews for pull requests are configured, yield a problem for each setting that would make them fail."""
    where = f"environments.{environment.name}.pull_requests"
    if not environment.settings.pull_requests:
        return
    if environment.settings.role_arn is not None:
        yield Problem(
            where,
            "cannot be used with role_arn, because a pull request may not assume that role; use a profile "
            "instead of role_arn",
        )
    if environment.project.repository is None:
        yield Problem(
            where,
            'needs the repository of this project; write repository = "owner/name" into [project]',
        )
