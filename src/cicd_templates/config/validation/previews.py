"""Problems of previews for pull requests: an environment that allows them, but no repository or a copy's suffix."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.environment import Environment
from cicd_templates.config.validation.problem import Problem


def problems_in(environment: Environment) -> Iterator[Problem]:
    """Yield a problem if pull requests may preview the environment, but the project has no repository."""
    if environment.settings.pull_requests and environment.project.repository is None:
        yield Problem(
            f"environments.{environment.name}.pull_requests",
            'needs the repository of this project; write repository = "owner/name" into [project]',
        )
