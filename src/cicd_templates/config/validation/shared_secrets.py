"""Finds services that would read a secret of another environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cicd_templates.config.environment import Configuration, Environment, Service
from cicd_templates.config.tables.secret_field_types import (
    is_existing_secret,
    is_in_another_partition,
    without_json_key,
)
from cicd_templates.config.validation.problem import Problem
from cicd_templates.template.arn import Arn

Raw = Mapping[str, Any]
# Secrets Manager adds a hyphen and six characters to the name of a secret in its ARN.
RANDOM_END = len("-Ab12Cd")


def problems(raw: Raw, configuration: Configuration) -> Iterator[Problem]:
    """Yield a problem for each variable that would give a service a secret of another environment.

    - If the secret's path contains the name of an environment, the secret belongs to this environment.
    - If the path contains no such name, and the secret's account has only one environment, the secret belongs to this
      environment. A secret in a table such as `[environments.staging.services.web.secrets]` is exempt from this rule,
      because the user chose the secret for this environment on purpose.
    - Secrets in another partition are skipped, because another check reports them.

    `raw` has the parsed TOML tables of `configuration`.
    """
    runtimes = [environment for environment in configuration.environments if environment.kind == "runtime"]
    for environment in runtimes:
        for service in environment.services:
            for table, variable, source in _secrets(service):
                if is_existing_secret(source) and not is_in_another_partition(source, environment.region):
                    own = ("environments", environment.name, "services", service.name, *table, variable)
                    sets_itself = value_at(raw, *own) is not None
                    owner = _owner(_named(source, runtimes) or ([] if sets_itself else _in_account(source, runtimes)))
                    if owner is None or owner is environment:
                        continue
                    message = f"{source} belongs to {owner.name}, but {environment.name} would read it"
                    if sets_itself:
                        yield Problem(".".join(own), f"{message}; {_way_out(environment)}")
                    else:
                        yield Problem(
                            ".".join(own[2:]), f"{message} as well; {_way_out_for_all(source, service, table)}"
                        )


def _way_out(reader: Environment) -> str:
    return (
        f"use a secret of {reader.name}. If the path of a secret contains the name of an environment, only this"
        " environment may read the secret"
    )


def _secrets(service: Service) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield three facts about each secret variable of the service's containers.

    The facts are the path of the table that contains the variable, the variable's name, and the source of its value.
    """
    for variable, source in service.settings.secrets.items():
        yield ("secrets",), variable, source
    for name, container in service.settings.containers.items():
        for variable, source in container.secrets.items():
            yield ("containers", name, "secrets"), variable, source


def _way_out_for_all(source: str, service: Service, table: tuple[str, ...]) -> str:
    placeholder = "write {environment} in the path of the secret, or " if source.startswith("/") else ""
    variable = ".".join(("environments.<name>.services", service.name, *table))
    return f"{placeholder}give each environment a secret of its own: set the variable in the table {variable}"


def value_at(raw: Any, *keys: str) -> Any:
    """Return the value at the path `keys` of a parsed file, or None if there is no such value."""
    for key in keys:
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    return raw


def _owner(environments: list[Environment]) -> Environment | None:
    """Return the owner of a secret if `environments`, its possible owners, has exactly one item. Else, return None."""
    return environments[0] if len(environments) == 1 else None


def _named(source: str, runtimes: list[Environment]) -> list[Environment]:
    """Return the environments whose names are in the secret's path.

    One part of the path, between slashes, must be the environment's name, or the project's name followed by a hyphen
    and the environment's name. For example, `/staging/database` and `/shop-staging/database` both belong to the
    environment `staging` of the project `shop`.
    """
    path = source
    if source.startswith("arn:"):
        path = Arn.parse(without_json_key(source)).resource.removeprefix("secret:")[:-RANDOM_END]
    steps = set(path.casefold().split("/"))
    return [
        environment
        for environment in runtimes
        if steps
        & {
            f"{project}{name}"
            for project in ("", f"{environment.project.name}-")
            for name in (environment.name, environment.qualified)
        }
    ]


def _in_account(source: str, runtimes: list[Environment]) -> list[Environment]:
    account = Arn.parse(source).account if source.startswith("arn:") else None
    return [environment for environment in runtimes if environment.account == account]
