"""Determines which paths the path patterns of listener rules match, and in which order a listener evaluates the rules.

In a pattern, `?` stands for exactly one character, and `*` for any number of characters, including none. Both also
match slashes:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html#path-conditions
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cicd_templates.config.environment import Service

# The priority of a pattern that matches every path, such as `/*`. All other patterns are tried before it.
CATCH_ALL_PRIORITY = 100
# Stands for all characters that occur in neither of two compared patterns.
OTHER = "\0"


def pattern_covers(wide: str, narrow: str) -> bool:
    """Return whether `wide` matches every path that `narrow` matches. `narrow` may also be a path without wildcards."""
    characters = {*wide, *narrow, OTHER} - {"*", "?"}
    start = (0, _closure(wide, frozenset({0})))
    seen, waiting = {start}, [start]
    while waiting:
        at, states = waiting.pop()
        if _is_end(narrow, at) and len(wide) not in states:
            return False
        for following, character in _steps(narrow, at, characters):
            after = (following, _closure(wide, _advance(wide, states, character)))
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return True


def _steps(pattern: str, at: int, characters: set[str]) -> list[tuple[int, str]]:
    """Return all pairs `(position, character)` that continue a match of `pattern` by one character.

    The match has reached the index `at` of `pattern`. If the next character of the path is `character`, the match
    reaches the index `position`.
    """
    while at < len(pattern) and pattern[at] == "*":
        return [(at, character) for character in characters] + _steps(pattern, at + 1, characters)
    if at == len(pattern):
        return []
    return [(at + 1, character) for character in characters if pattern[at] in ("?", character)]


def _advance(pattern: str, states: frozenset[int], character: str) -> frozenset[int]:
    stay = {at for at in states if at < len(pattern) and pattern[at] == "*"}
    move = {at + 1 for at in states if at < len(pattern) and pattern[at] in ("?", character)}
    return frozenset(stay | move)


def _closure(pattern: str, states: frozenset[int]) -> frozenset[int]:
    """Return `states`, and all positions in `pattern` that can be reached from `states` by skipping only `*`."""
    reached = set(states)
    for at in sorted(states):
        while at < len(pattern) and pattern[at] == "*":
            at += 1
            reached.add(at)
    return frozenset(reached)


def _is_end(pattern: str, at: int) -> bool:
    return not pattern[at:].strip("*")


def literal_prefix(pattern: str) -> str:
    """Return the part of a path pattern before its first wildcard. All matching paths begin with this part."""
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


def base_path(pattern: str) -> str:
    """Return the folder in which all paths of `pattern` are, without a final slash.

    For example, return `/pay` for `/pay/*`, and an empty string for `/*`.
    """
    literal = literal_prefix(pattern)
    whole = literal == pattern or pattern == f"{literal}*"
    return literal.rstrip("/") if whole else literal.rpartition("/")[0]


def with_priorities(services: Sequence[Service]) -> tuple[Service, ...]:
    """Return `services`, with a listener rule priority for each web service that has none.

    With these priorities, the load balancer tries more exact path patterns first. A priority depends only on the
    service's own pattern and on equally exact patterns of other services. So a new service rarely changes the rule of
    an existing service.
    """
    taken = {service.settings.priority for service in services}
    derived: dict[str, int] = {}
    limit = CATCH_ALL_PRIORITY + 1
    after_all = (priority for priority in range(CATCH_ALL_PRIORITY + 1, 50_000) if priority not in taken)
    for service in sorted(services, key=_exactness):
        if service.settings.is_web and service.settings.priority is None:
            limit = min(limit - 1, CATCH_ALL_PRIORITY + 1 - _literals(service.settings.path_pattern))
            while limit in taken:
                limit -= 1
            free = limit if limit > 0 else next(after_all)
            taken.add(free)
            derived[service.name] = free
    return tuple(
        service._replace(
            settings=service.settings.model_copy(update={"priority": derived[service.name]}),
            priority_is_derived=True,
        )
        if service.name in derived
        else service
        for service in services
    )


def _exactness(service: Service) -> tuple[int, int, int, str]:
    pattern = service.settings.path_pattern
    return (_literals(pattern), pattern.count("?"), -pattern.count("*"), pattern)


def _literals(pattern: str) -> int:
    return len(re.sub(r"[*?]", "", pattern))


def in_order(services: Sequence[Service]) -> list[Service]:
    """Return the web services among `services`, in the order in which the load balancer tries their rules."""
    web = (service for service in services if service.settings.is_web)
    return sorted(web, key=lambda service: service.settings.priority or 0)


class Routes:
    """The routes of an environment's web services, in the order in which the load balancer tries them."""

    def __init__(self, services: Sequence[Service]) -> None:
        self.services = in_order(services)
        # This index saves comparisons: a pattern A can cover a pattern B only if B begins with A's literal prefix.
        self._by_prefix: dict[str, list[int]] = {}
        for position, service in enumerate(self.services):
            self._by_prefix.setdefault(literal_prefix(service.settings.path_pattern), []).append(position)

    def perhaps_covering(self, pattern: str) -> list[int]:
        """Return the positions, in ascending order, of the services whose path patterns may cover `pattern`."""
        prefix = literal_prefix(pattern)
        beginnings = (prefix[:length] for length in range(len(prefix) + 1))
        return sorted(position for beginning in beginnings for position in self._by_prefix.get(beginning, ()))

    def receiver(self, path: str) -> Service | None:
        """Return the service that gets requests for `path`, or None if no listener rule matches `path`."""
        services = (self.services[position] for position in self.perhaps_covering(path))
        return next((service for service in services if pattern_covers(service.settings.path_pattern, path)), None)


def probed_paths(service: Service) -> dict[str, int]:
    """Return the paths that the smoke test function requests from a new release, mapped to the expected HTTP status.

    If the service has the setting `probes`, the result is this setting. Otherwise, the only path is the path of the
    health check, with the status 200.

    The load balancer forwards only paths that match the service's path pattern. So if the path pattern is `/pay/*`, and
    the health check has the path `/health`, the result has the path `/pay/health`.
    """
    settings = service.settings
    if settings.probes:
        return dict(settings.probes)
    path = settings.health_check.path
    return {path if pattern_covers(settings.path_pattern, path) else f"{base_path(settings.path_pattern)}{path}": 200}
