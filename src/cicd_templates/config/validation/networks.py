"""Problems of networks: address ranges, zones, and how clients reach the load balancer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.config.validation.problem import Problem
from cicd_templates.config.validation.regions import has_known_region
from cicd_templates.template.arn import Arn


def problems(configuration: Configuration) -> Iterator[Problem]:
    """Yield every network that overlaps the network of another environment."""
    with_network = [environment for environment in configuration.environments if environment.settings.cidr]
    for one, other in combinations(with_network, 2):
        if one.network.overlaps(other.network):
            yield Problem(
                f"environments.{other.name}.cidr",
                f"{other.network} overlaps {one.network} of {one.name}; choose ranges that do not overlap, so that"
                " they can be peered",
            )


def problems_in(environment: Environment) -> Iterator[Problem]:
    """Yield what is missing or contradictory in the network of a runtime environment; tools has no network."""
    if environment.kind == "runtime":
        at = f"environments.{environment.name}"
        yield from _range_and_zones(environment, at)
        yield from _transport(environment, at)


def _range_and_zones(environment: Environment, at: str) -> Iterator[Problem]:
    settings = environment.settings
    if settings.cidr is None:
        yield Problem(f"{at}.cidr", 'missing; a runtime environment needs an IPv4 range, such as "10.20.0.0/16"')
    if len(settings.zones) < 2:
        yield Problem(f"{at}.zones", "a load balancer needs at least two availability zones")
    for index, zone in enumerate(settings.zones):
        if zone[:-1] != settings.region and has_known_region(environment):
            yield Problem(f"{at}.zones[{index}]", f"{zone} is not a zone of {settings.region}")
        elif zone in settings.zones[:index]:
            yield Problem(f"{at}.zones[{index}]", f"{zone} is already listed; name each zone once")


def _transport(environment: Environment, at: str) -> Iterator[Problem]:
    settings = environment.settings
    if settings.allow_http and environment.protected:
        yield Problem(f"{at}.allow_http", "a protected environment serves TLS only; set certificate_arn instead")
    if settings.allow_http and settings.certificate_arn:
        yield Problem(f"{at}.allow_http", "contradicts certificate_arn; keep one of them")
    if settings.certificate_arn and not settings.domain:
        yield Problem(f"{at}.domain", "missing; set the host name that certificate_arn is for")
    if not settings.allow_http and not settings.certificate_arn:
        remedy = "" if environment.protected else ", or set allow_http = true if nobody depends on this environment"
        yield Problem(
            f"{at}.certificate_arn", f"missing; set the ARN of an ACM certificate in {settings.region}{remedy}"
        )
    if settings.certificate_arn:
        # A load balancer accepts only certificates of its own region and account:
        # https://docs.aws.amazon.com/acm/latest/userguide/acm-regions.html
        arn = Arn.parse(settings.certificate_arn)
        if arn.account != settings.account or (arn.region != settings.region and has_known_region(environment)):
            yield Problem(
                f"{at}.certificate_arn",
                f"belongs to account {arn.account} in {arn.region}; a load balancer accepts only a certificate of its"
                f" own account and region, {settings.account} in {settings.region}",
            )
