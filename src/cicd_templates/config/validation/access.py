"""Finds environments that set options for assuming a role, but not the role itself (`role_arn`)."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.environment import Environment
from cicd_templates.config.validation.problem import Problem

OF_THE_ROLE = ("external_id", "role_session_name", "source_identity")


def problems_in(environment: Environment) -> Iterator[Problem]:
    """Yield a problem for each option that needs `role_arn`, if the environment has no `role_arn`."""
    for name in OF_THE_ROLE:
        if getattr(environment.settings, name) is not None and environment.settings.role_arn is None:
            yield Problem(
                f"environments.{environment.name}.{name}",
                f"needs role_arn; add role_arn or, if the AWS profile assumes the role, set {name} in the profile",
            )
