"""Finds problems with the Object Lock of evidence.

A lock mode must not be set without a lock time, and the lock must not prevent the deletion of a disposable environment.
"""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.environment import Configuration
from cicd_templates.config.validation.problem import Problem


def problems(configuration: Configuration) -> Iterator[Problem]:
    """Yield a problem if `lock_mode` has no effect, or if `lock_mode` prevents the deletion of an environment."""
    evidence = configuration.evidence
    if "lock_mode" in evidence.model_fields_set and evidence.lock_days is None:
        yield Problem("evidence.lock_mode", "has no effect without lock_days; add lock_days, or remove this key")
    disposable = [
        environment.name
        for environment in configuration.environments
        if environment.kind == "tools" and not environment.protected
    ]
    if evidence.lock_mode == "compliance" and disposable:
        yield Problem(
            "evidence.lock_mode",
            f"{disposable[0]} is disposable, but nobody can delete files that are locked in compliance mode; use"
            " governance, or protect the environment",
        )
