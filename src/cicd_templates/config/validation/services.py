"""Problems of services: task sizes, images, variables and listener rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.config.tables.network_field_types import Nat
from cicd_templates.config.tables.service import FARGATE_MEMORY, ServiceTable
from cicd_templates.config.validation import autoscaling, rollouts
from cicd_templates.config.validation.problem import Problem

PUBLIC_REGISTRIES = re.compile(r"^(public\.ecr\.aws|docker\.io|ghcr\.io|quay\.io|registry-1\.docker\.io)/")


def problems(configuration: Configuration) -> Iterator[Problem]:
    """Yield every service whose architecture differs between environments; a release is one image, built once."""
    built: dict[str, str] = {}
    for environment in configuration.environments:
        for service in environment.services:
            first = built.setdefault(service.name, service.settings.architecture)
            if service.settings.architecture != first:
                yield Problem(
                    f"environments.{environment.name}.services.{service.name}.architecture",
                    f"{service.settings.architecture} differs from {first} in another environment; a"
                    f" release is one image, so set it in [services.{service.name}]",
                )


def problems_in(environment: Environment) -> Iterator[Problem]:
    """Yield the settings of services that AWS would refuse or could not start in a runtime environment."""
    if environment.kind != "runtime":
        return
    at = f"environments.{environment.name}.services"
    for service in environment.services:
        settings, where = service.settings, f"{at}.{service.name}"
        yield from _size(settings, where)
        yield from _image_source(settings, environment.settings.nat, where)
        for key, message in rollouts.problems(settings):
            yield Problem(f"{where}.{key}", message)
        if settings.autoscaling is not None:
            for key, message in autoscaling.problems(settings.autoscaling):
                yield Problem(f"{where}.{key}", message)
        for variable in sorted({*settings.secrets} & {*settings.environment, "PORT"}):
            yield Problem(
                f"{where}.secrets.{variable}",
                "is already an environment variable of the container; choose another name",
            )
        yield from _smoke_route(settings, environment.settings.nat, where)
    yield from _listener_rules(environment, at)


def _size(settings: ServiceTable, where: str) -> Iterator[Problem]:
    known = FARGATE_MEMORY[settings.cpu]
    if settings.memory not in known:
        sizes = (
            f"{known.start} to {known[-1]} in steps of {known.step}"
            if isinstance(known, range)
            else ", ".join(map(str, known))
        )
        yield Problem(
            f"{where}.memory",
            f"Fargate does not offer {settings.memory} MiB with cpu = {settings.cpu}; use {sizes}",
        )


def _image_source(settings: ServiceTable, nat: Nat, where: str) -> Iterator[Problem]:
    if nat == "none" and PUBLIC_REGISTRIES.match(settings.image):
        # VPC endpoints reach only private ECR registries:
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
        yield Problem(
            f"{where}.image",
            'a public image cannot be pulled with nat = "none", so the service would never become stable;'
            ' set nat = "single", or use an image in your private ECR registry',
        )


def _smoke_route(settings: ServiceTable, nat: Nat, where: str) -> Iterator[Problem]:
    if nat == "none" and "smoke" in settings.hooks:
        yield Problem(
            f"{where}.hooks",
            "the smoke hook connects to the public address of the load balancer, which it cannot reach with"
            ' nat = "none"; set nat = "single"',
        )


def _listener_rules(environment: Environment, at: str) -> Iterator[Problem]:
    for one, other in combinations(environment.services, 2):
        if one.settings.priority == other.settings.priority:
            yield Problem(
                f"{at}.{other.name}.priority",
                f"{other.settings.priority} is already the priority of {one.name}; give each service its own",
            )
