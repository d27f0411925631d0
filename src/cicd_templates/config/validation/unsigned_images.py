"""Finds wrong exceptions for unsigned images.

An exception is wrong if it has no effect, if another exception is for the same image, or if the configuration names
nobody to notify.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.config.validation.problem import Problem
from cicd_templates.config.validation.shared_secrets import value_at


def problems(raw: Mapping[str, Any], configuration: Configuration) -> Iterator[Problem]:
    """Yield the problems of all exceptions for unsigned images. `raw` has the parsed TOML tables of `configuration`."""
    # Each environment has the exceptions of the shared table, so the same problem is found several times.
    yield from dict.fromkeys(_for_the_same_image(raw, configuration))
    for tools in [environment for environment in configuration.environments if environment.kind == "tools"]:
        yield from _without_effect(raw, tools)
        if not tools.settings.stakeholders.security and (services := _services_with_exceptions(configuration)):
            yield Problem(
                f"environments.{tools.name}.stakeholders.security",
                f"missing, although `unsigned_images` has exceptions for {', '.join(services)}; write who gets an"
                " e-mail when a release deploys an image without a signature",
            )


def _without_effect(raw: Mapping[str, Any], tools: Environment) -> Iterator[Problem]:
    """Yield a problem for each unsigned image in the tables of the tools environment, which runs no services."""
    for service in tools.services:
        own = value_at(raw, "environments", tools.name, "services", service.name, "unsigned_images")
        # If the value is not a table, the reader of the file reports it.
        for name in own if isinstance(own, Mapping) else ():
            yield Problem(
                f"environments.{tools.name}.services.{service.name}.unsigned_images.{name}",
                "no service runs in this environment, so the exception has no effect; move it to"
                f" services.{service.name}.unsigned_images, or to the table of a runtime environment",
            )


def _for_the_same_image(raw: Mapping[str, Any], configuration: Configuration) -> Iterator[Problem]:
    """Yield a problem for each exception for an image that already has another exception in the same environment."""
    for environment in configuration.environments:
        for service in environment.services if environment.kind == "runtime" else ():
            at = f"services.{service.name}.unsigned_images"
            own = ("environments", environment.name, *at.split("."))
            exceptions = [
                (value_at(raw, *own, name, "image") is not None, name, table.image)
                for name, table in service.settings.unsigned_images.items()
            ]
            first_names: dict[str, str] = {}
            # Shared exceptions come first, so the problem is reported for the exception of the environment.
            for is_own, name, image in sorted(exceptions):
                first = first_names.setdefault(image, name)
                if first != name:
                    yield Problem(
                        f"{f'environments.{environment.name}.' if is_own else ''}{at}.{name}.image",
                        f"the exception {first} already covers this image; write only one exception for each image",
                    )


def _services_with_exceptions(configuration: Configuration) -> list[str]:
    return sorted(
        {
            service.name
            for environment in configuration.environments
            if environment.kind == "runtime"
            for service in environment.services
            if service.settings.unsigned_images
        }
    )
