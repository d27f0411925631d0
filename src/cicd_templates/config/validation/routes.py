"""Finds problems with routes: rules that are never used, and smoke tests that would not reach their own service."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.routes import Routes, base_path, pattern_covers, probed_paths
from cicd_templates.config.validation.problem import Problem

SMOKE_HOOK = "smoke"


def problems_in(environment: Environment) -> Iterator[Problem]:
    """Yield a problem of the runtime environment `environment` in each of these cases.

    - Two services have the same priority.
    - The path pattern of one service covers the pattern of another service, so the second service gets no requests.
    - The requests of a service's smoke test would reach another service or none.
    """
    at = f"environments.{environment.name}.services"
    routes = Routes(environment.services)
    unreachable = set()
    for earlier, later in _perhaps_conflicting(routes):
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
        for service in routes.services:
            yield from _tests_of_others(service, routes, f"{at}.{service.name}")


def _perhaps_conflicting(routes: Routes) -> list[tuple[Service, Service]]:
    """Return the pairs of services whose routes may conflict. In a pair, the route of the first service is tried first.

    Two routes may conflict in these cases:

    - Both routes have the same priority.
    - The route that is tried first may receive all requests of the other route.
    """
    same_priority: dict[int | None, list[int]] = {}
    pairs = set()
    for later, service in enumerate(routes.services):
        equal = same_priority.setdefault(service.settings.priority, [])
        covering = routes.perhaps_covering(service.settings.path_pattern)
        pairs |= {(earlier, later) for earlier in (*equal, *covering) if earlier < later}
        equal.append(later)
    return [(routes.services[earlier], routes.services[later]) for earlier, later in sorted(pairs)]


def _route(service: Service) -> str:
    return f"{service.settings.path_pattern} of {service.name}"


def _unreachable(earlier: Service, later: Service) -> str:
    begin = f"{_route(later)} is never reached, because {_route(earlier)} receives all its requests"
    if pattern_covers(later.settings.path_pattern, earlier.settings.path_pattern):
        return f'{begin}; give each service a path of its own, such as "/{later.name}/*"'
    number = earlier.settings.priority
    return f"{begin} at priority {number}; give {later.name} a priority below {number}, or leave out both priorities"


def _tests_of_others(service: Service, routes: Routes, where: str) -> Iterator[Problem]:
    if SMOKE_HOOK in service.settings.hooks:
        for path in probed_paths(service):
            if routes.receiver(path) is not service:
                yield Problem(
                    f"{where}.probes.{path}",
                    f"{_receiver_name(path, routes)} answers requests for {path}, so the smoke hook would not test"
                    f" {service.name}; in the key probes, write only paths that match {service.settings.path_pattern}",
                )
    base = base_path(service.settings.path_pattern)
    if len(routes.services) > 1 and service not in (routes.receiver(f"{base}/"), routes.receiver(base or "/")):
        yield Problem(
            f"{where}.path_pattern",
            f"{_receiver_name(f'{base}/', routes)} answers requests for {base}/, the address at which smoke tests"
            f" reach {service.name}; begin the pattern with a folder that no other service has, such as"
            f' "/{service.name}/*"',
        )


def _receiver_name(path: str, routes: Routes) -> str:
    found = routes.receiver(path)
    return found.name if found else "the load balancer itself"
