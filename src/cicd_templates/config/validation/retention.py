"""Finds problems with log retention: a protected environment must keep logs for at least a year."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.environment import Environment
from cicd_templates.config.tables.environment import RETENTION_DAYS
from cicd_templates.config.validation.problem import Problem
from cicd_templates.plurals import counted

# PCI DSS 10.5.1 requires a year of audit history.
AUDIT_RETENTION_DAYS = 365


def problems_in(environment: Environment) -> Iterator[Problem]:
    """Yield a problem if a protected environment keeps logs for less than a year."""
    days = environment.settings.log_retention_days
    if environment.protected and days < AUDIT_RETENTION_DAYS:
        longer = ", ".join(str(value) for value in RETENTION_DAYS if value >= AUDIT_RETENTION_DAYS)
        yield Problem(
            f"environments.{environment.name}.log_retention_days",
            f"{counted(days, 'day')} of logs is too short; a protected environment keeps logs for at least a year:"
            f" use {longer}",
        )
