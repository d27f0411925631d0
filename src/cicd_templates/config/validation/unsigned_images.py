"""Finds problems with exceptions for unsigned images: exceptions without effect, and exceptions that notify nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.config.validation.problem import Problem
from cicd_templates.config.validation.shared_secrets import value_at


def problems(raw: Mapping[str, Any], configuration: Configuration) -> Iterator[Problem]:
    """Yield the problems of the exceptions in `configuration`. `raw` is its parsed file."""
    for tools in [environment for environment in configuration.environments if environment.kind == "tools"]:
        yield from _without_effect(raw, tools)
        if not tools.settings.stakeholders.security and (services := _services_with_exceptions(configuration)):
            yield Problem(
                f"environments.{tools.name}.stakeholders.security",
                "missing; write who gets an e-mail when a release deploys an image without a signature;"
                f" `unsigned_images` has exceptions for {', '.join(services)}",
            )


def _without_effect(raw: Mapping[str, Any], tools: Environment) -> Iterator[Problem]:
    """Yield a problem for each exception in the tables of the tools environment, where no service runs."""
    for service in tools.services:
        own = value_at(raw, "environments", tools.name, "services", service.name, "unsigned_images")
        # If the value is not a table, the reader of the file reports it.
        for name in own if isinstance(own, Mapping) else ():
            yield Problem(
                f"environments.{tools.name}.services.{service.name}.unsigned_images.{name}",
                "no service runs in this environment, so the exception has no effect; write it in"
                f" services.{service.name}.unsigned_images, or in the table of a runtime environment",
            )


def _services_with_exceptions(configuration: Configuration) -> list[str]:
    """Return the sorted names of the services for which an environment has exceptions."""
    return sorted(
        {
            service.name
            for environment in configuration.environments
            if environment.kind == "runtime"
            for service in environment.services
            if service.settings.unsigned_images
        }
    )
