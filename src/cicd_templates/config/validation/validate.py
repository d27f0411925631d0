"""Validates a complete configuration: finds the problems of every subject, in a fixed order."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cicd_templates.config.environment import Configuration
from cicd_templates.config.validation import (
    access,
    databases,
    evidence,
    names,
    networks,
    pipeline,
    previews,
    regions,
    releases,
    retention,
    roles,
    services,
    transport,
)
from cicd_templates.config.validation.problem import Problem


def all_problems(configuration: Configuration, unread: Collection[str] = ()) -> Iterator[Problem]:
    """Yield every problem of `configuration`: first the problems that concern several environments, then the
    problems of each environment.

    `unread` has the names of the environments that could not be read into `configuration`, because their tables have
    mistakes.
    """
    yield from pipeline.problems(configuration, unread)
    yield from evidence.problems(configuration)
    yield from regions.problems(configuration)
    yield from names.problems(configuration)
    yield from networks.problems(configuration)
    yield from databases.problems(configuration)
    yield from services.problems(configuration)
    for environment in configuration.environments:
        yield from access.problems_in(environment)
        yield from previews.problems_in(environment)
        yield from networks.problems_in(environment)
        yield from transport.problems_in(environment)
        yield from retention.problems_in(environment)
        yield from roles.problems_in(environment)
        yield from services.problems_in(environment)
        yield from releases.problems_in(environment)
