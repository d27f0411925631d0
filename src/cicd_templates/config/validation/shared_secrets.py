"""Secrets that belong to one environment and are configured for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.config.tables.service import is_existing_secret
from cicd_templates.config.validation.problem import Problem
from cicd_templates.template.arn import Arn

Raw = Mapping[str, Any]


def problems(raw: Raw, configuration: Configuration) -> Iterator[Problem]:
    """Yield the secrets in `[services.<name>.secrets]` that name one environment but that another one reads as well.

    `raw` is the parsed file of `configuration`. An environment that sets the variable itself is not affected, so a
    secret that environments really share can be set for each of them.
    """
    runtimes = [environment for environment in configuration.environments if environment.kind == "runtime"]
    for environment in runtimes:
        for service in environment.services:
            for variable in service.settings.secrets:
                source = _at(raw, "services", service.name, "secrets", variable)
                owner = _owner(source, runtimes)
                if owner and owner is not environment and not _sets_itself(raw, environment, service.name, variable):
                    yield Problem(
                        f"services.{service.name}.secrets.{variable}",
                        f"{source} belongs to {owner.name}, but {environment.name} would read it as well; set the"
                        f" variable in environments.<name>.services.{service.name}.secrets of every environment that"
                        " reads it",
                    )


def _sets_itself(raw: Raw, environment: Environment, service: str, variable: str) -> bool:
    return _at(raw, "environments", environment.name, "services", service, "secrets", variable) is not None


def _at(raw: Any, *keys: str) -> Any:
    for key in keys:
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    return raw


def _owner(source: object, runtimes: list[Environment]) -> Environment | None:
    """Return the only environment that a path or ARN names, by a step of the path or by its account."""
    if not isinstance(source, str) or not is_existing_secret(source):
        return None
    steps, account = source.split("/"), ""
    if source.startswith("arn:"):
        arn = Arn.parse(source)
        steps, account = arn.resource.removeprefix("secret:").split("/"), arn.account
    named = [
        environment
        for environment in runtimes
        if {environment.name, f"{environment.project.name}-{environment.name}"} & set(steps)
    ]
    owners = named or [environment for environment in runtimes if environment.settings.account == account]
    return owners[0] if len(owners) == 1 else None
