"""Takes accounts, regions and credentials for an acceptance run from the user's configuration."""

from __future__ import annotations

from typing import Any

from cicd_templates.acceptance.project import PRODUCTION, STAGING, TOOLS, EnvironmentAccess
from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.errors import CicdError, ConfigurationError

# A load balancer needs two zones:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
ZONES = 2
# These filters exclude Local Zones, Wavelength Zones, and zones in which AWS accepts no new resources.
ZONE_FILTERS = {"opt-in-status": "opt-in-not-required", "zone-type": "availability-zone", "state": "available"}


def access_of(configuration: Configuration) -> dict[str, EnvironmentAccess]:
    """Return the account, region and credentials of each environment of the run.

    The run uses three environments: tools, and the first and the last runtime environment of the configuration.

    Raises `ConfigurationError` if the configuration has no tools or no runtime environment.
    """
    ordered = configuration.deploy_order
    runtime = [environment for environment in ordered if environment.kind != TOOLS]
    tools = [environment for environment in ordered if environment.kind == TOOLS]
    if not runtime or not tools:
        raise ConfigurationError("the acceptance run needs an environment `tools` and at least one runtime environment")
    return {STAGING: _access(runtime[0]), PRODUCTION: _access(runtime[-1]), TOOLS: _access(tools[0])}


def zones_of(ec2: Any, region: str) -> list[str]:
    """Return the names of two availability zones that the account can use. Not every account can use every zone.

    Raises `CicdError` if the account can use fewer than two zones.
    """
    filters = [{"Name": name, "Values": [value]} for name, value in ZONE_FILTERS.items()]
    answer = ec2.describe_availability_zones(Filters=filters)["AvailabilityZones"]
    names = sorted(zone["ZoneName"] for zone in answer)
    if len(names) < ZONES:
        raise CicdError(f"{region}: the account can use {len(names)} availability zones, but the run needs {ZONES}")
    return names[:ZONES]


def _access(environment: Environment) -> EnvironmentAccess:
    settings = environment.settings
    return EnvironmentAccess(
        environment.account, environment.region, settings.profile, settings.role_arn, settings.external_id
    )
