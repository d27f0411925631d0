"""Problems of names: no two things may get the same name in AWS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from cicd_templates.config.environment import Configuration
from cicd_templates.config.naming import title
from cicd_templates.config.validation.problem import Problem

# Policies match the names of other roles by these prefixes, so no service may begin with one.
RESERVED_PREFIXES = ("action-source-", "execution-")


def problems(configuration: Configuration) -> Iterator[Problem]:
    """Yield every pair of environments whose names in AWS coincide, and every service with a reserved name."""
    yield from _equal_names(configuration)
    yield from _reserved_prefixes(configuration)


def _equal_names(configuration: Configuration) -> Iterator[Problem]:
    for one, other in combinations(configuration.environments, 2):
        if one.qualified == other.qualified:
            with_suffix = other if other.suffix else one
            yield Problem(
                f"environments.{with_suffix.name}.suffix",
                f"{with_suffix.suffix!r} gives {one.name} and {other.name} the same names ({one.qualified});"
                " choose another suffix",
            )
    yield from hyphen_twins([environment.name for environment in configuration.environments], "environments")


def _reserved_prefixes(configuration: Configuration) -> Iterator[Problem]:
    names = {service.name for environment in configuration.environments for service in environment.services}
    for service in sorted(names):
        for prefix in RESERVED_PREFIXES:
            if service.startswith(prefix):
                yield Problem(f"services.{service}", f"names of other roles begin with {prefix}; choose another name")


def hyphen_twins(names: Iterable[str], where: str) -> Iterator[Problem]:
    """Yield each name that gives the same logical id as another: ids have no hyphens, so `eu-1` and `eu1` are one."""
    for one, other in combinations(names, 2):
        if title(one) == title(other):
            yield Problem(f"{where}.{other}", f"{one} and {other} differ only by a hyphen; choose another name")
