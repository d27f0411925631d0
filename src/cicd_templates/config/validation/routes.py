"""Problems of routes to services: rules that are never used, and tests whose requests reach another service."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.routes import base_path, in_order, pattern_covers, probed_paths, receiver
from cicd_templates.config.validation.problem import Problem

SMOKE_HOOK = "smoke"


def problems_in(environment: Environment) -> Iterator[Problem]:
    """Yield a problem for each service that no request can reach, and for each test that reaches another service.

    The caller passes only runtime environments.
    """
    at = f"environments.{environment.name}.services"
    services = in_order(environment.services)
    unreachable = set()
    for earlier, later in combinations(services, 2):
        if earlier.settings.priority == later.settings.priority:
            yield Problem(
                f"{at}.{later.name}.priority",
                f"{later.settings.priority} is already the priority of {earlier.name}; give each service its own",
            )
        elif later.name not in unreachable and pattern_covers(
            earlier.settings.path_pattern, later.settings.path_pattern
        ):
            unreachable.add(later.name)
            yield Problem(f"{at}.{later.name}.path_pattern", _unreachable(earlier, later))
    if not unreachable:
        for service in services:
            yield from _tests_of_others(service, services, f"{at}.{service.name}")


def _route(service: Service) -> str:
    return f"{service.settings.path_pattern} of {service.name}"


def _unreachable(earlier: Service, later: Service) -> str:
    begin = f"{_route(later)} is never reached, because {_route(earlier)} takes all its requests"
    if pattern_covers(later.settings.path_pattern, earlier.settings.path_pattern):
        return f'{begin}; give each service a path of its own, such as "/{later.name}/*"'
    return f"{begin} at priority {earlier.settings.priority}; set a priority below that, or leave out both priorities"


def _tests_of_others(service: Service, services: list[Service], where: str) -> Iterator[Problem]:
    if SMOKE_HOOK in service.settings.hooks:
        for path in probed_paths(service):
            if receiver(path, services) is not service:
                yield Problem(
                    f"{where}.probes.{path}",
                    f"{_receiver_name(path, services)} answers requests of {path}, so the hook smoke would not test"
                    f" {service.name}; set probes to paths that {service.settings.path_pattern} takes",
                )
    base = base_path(service.settings.path_pattern)
    if len(services) > 1 and service not in (receiver(f"{base}/", services), receiver(base or "/", services)):
        yield Problem(
            f"{where}.path_pattern",
            f"{_receiver_name(f'{base}/', services)} answers requests of {base}/, the address of {service.name} for"
            f' smoke tests; begin the pattern with a folder of its own, such as "/{service.name}/*"',
        )


def _receiver_name(path: str, services: list[Service]) -> str:
    found = receiver(path, services)
    return found.name if found else "the load balancer itself"
