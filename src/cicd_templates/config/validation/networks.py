"""Finds problems with networks: address ranges that overlap, and missing or wrong ranges and zones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.config.validation.problem import Problem
from cicd_templates.config.validation.regions import has_known_region


def problems(configuration: Configuration) -> Iterator[Problem]:
    """Yield a problem for each network that overlaps the network of another environment."""
    with_network = [environment for environment in configuration.environments if environment.settings.cidr]
    for one, other in combinations(with_network, 2):
        if one.network.overlaps(other.network):
            yield Problem(
                f"environments.{other.name}.cidr",
                f"{other.network} overlaps {one.network} of {one.name}; choose ranges that do not overlap, so that"
                " the networks can be peered",
            )


def problems_in(environment: Environment) -> Iterator[Problem]:
    """Yield a problem for each wrong or missing network setting of a runtime environment.

    The network settings are the address range, zones, NAT and endpoints. The tools environment has no network.
    """
    if environment.kind == "runtime":
        at = f"environments.{environment.name}"
        yield from _range_and_zones(environment, at)
        yield from _way_out(environment, at)


def _range_and_zones(environment: Environment, at: str) -> Iterator[Problem]:
    settings = environment.settings
    own_network = not environment.network_is_provided
    if settings.cidr is None and own_network:
        yield Problem(f"{at}.cidr", 'missing; a runtime environment needs an IPv4 range, such as "10.20.0.0/16"')
    elif settings.cidr is None and settings.endpoints == "all":
        yield Problem(f"{at}.cidr", 'missing; with endpoints = "all", the security groups of tasks need this range')
    # Each zone can have a NAT gateway, whose address is provided as well.
    if len(settings.zones) < 2 and (own_network or settings.nat == "per-zone"):
        yield Problem(f"{at}.zones", "a load balancer needs at least two availability zones")
    for index, zone in enumerate(settings.zones):
        if zone[:-1] != settings.region and has_known_region(environment):
            yield Problem(f"{at}.zones[{index}]", f"{zone} is not a zone of {settings.region}")
        elif zone in settings.zones[:index]:
            yield Problem(f"{at}.zones[{index}]", f"{zone} is already listed; name each zone once")


def _way_out(environment: Environment, at: str) -> Iterator[Problem]:
    settings = environment.settings
    if not environment.network_is_provided and settings.nat == "none" and settings.endpoints != "all":
        yield Problem(
            f"{at}.endpoints",
            'with nat = "none", tasks cannot reach ECR and CloudWatch Logs, so they cannot start; set endpoints ='
            ' "all", or nat = "single"',
        )
