"""Finds problems with regions: unknown regions, unchecked partitions, missing services, and more than one region."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.config.regions import REGIONS, REGIONS_WITHOUT
from cicd_templates.config.validation.problem import Problem
from cicd_templates.errors import closest
from cicd_templates.template.partitions import partition_of

CHECKED_PARTITIONS = ("aws", "aws-us-gov")
# What every pipeline needs in its region.
NEEDED = ("CodePipeline", "CodeBuild")


def has_known_region(environment: Environment) -> bool:
    """Return whether the region of `environment` is known.

    Other checks skip an environment with an unknown region, because they would only report the same mistake again.
    """
    return environment.region in (*REGIONS, *environment.project.new_regions)


def why_not_usable(region: str) -> list[str]:
    """Return the reasons why a pipeline cannot be in `region`."""
    if region not in REGIONS:
        close = closest(region, REGIONS)
        return [
            f"{region} is not an AWS region; {f'did you mean {close}?' if close else 'use one such as eu-central-1'}"
        ]
    partition = partition_of(region)
    if partition.name not in CHECKED_PARTITIONS and not partition.console:
        return [f"{region} is in the partition {partition.name}, which this tool does not know; choose another region"]
    return [
        f"{region} has no {name}, which every pipeline needs; choose another region"
        for name in NEEDED
        if region in REGIONS_WITHOUT[name]
    ]


def why_not_connected(region: str) -> list[str]:
    """Return the reasons why a pipeline in `region` cannot read from GitHub."""
    if region not in REGIONS_WITHOUT["CodeConnections"]:
        return []
    return [
        f'{region} has no CodeConnections, so a pipeline there cannot read from GitHub; use source = "s3". If a'
        " workflow on GitHub uploads the releases to S3, also set github.releases = true"
    ]


def problems(configuration: Configuration) -> Iterator[Problem]:
    """Yield a problem for each environment whose region is wrong in one of these ways:

    - The region is unknown.
    - The region is in a partition that has not been checked.
    - The region lacks a required AWS service.
    - The region is not the region of the first environment.
    """
    yield from _unknown_regions(configuration)
    yield from _unchecked_partitions(configuration)
    yield from _missing_services(configuration)
    yield from _different_regions(configuration)


def _unknown_regions(configuration: Configuration) -> Iterator[Problem]:
    known = [*REGIONS, *configuration.project.new_regions]
    for environment in configuration.environments:
        if not has_known_region(environment):
            close = closest(environment.region, known)
            advice = f"did you mean {close}?" if close else "check the spelling."
            yield Problem(
                f"environments.{environment.name}.region",
                f"{environment.region} is not an AWS region; {advice} If AWS has added it since this version of the"
                f' tool, set project.new_regions = ["{environment.region}"]',
            )


def _unchecked_partitions(configuration: Configuration) -> Iterator[Problem]:
    """Yield a problem for each region in a partition, such as `aws-cn`, for which nobody has checked the templates."""
    accepted = {*CHECKED_PARTITIONS, *configuration.project.unchecked_partitions}
    for environment in configuration.environments:
        partition = partition_of(environment.region)
        if partition.name not in accepted:
            remedy = (
                f'; to render it anyway, set project.unchecked_partitions = ["{partition.name}"]'
                if partition.console
                else ", and their names are not known here"
            )
            yield Problem(
                f"environments.{environment.name}.region",
                f"{environment.region} is in the partition {partition.name}, whose service principals, endpoints and"
                f" services have not been checked{remedy}",
            )


def _missing_services(configuration: Configuration) -> Iterator[Problem]:
    """Yield a problem for each AWS service that the region of the tools environment lacks.

    Each problem is reported at the key that needs the service.
    """
    for environment in configuration.environments:
        region = environment.region
        if environment.kind != "tools" or region in environment.project.new_regions:
            continue
        since = f'if AWS now offers the service there, set project.new_regions = ["{region}"]'
        for name in NEEDED:
            if region in REGIONS_WITHOUT[name]:
                yield Problem(
                    f"environments.{environment.name}.region",
                    f"{region} has no {name}, which every pipeline needs; choose another region; {since}",
                )
        for service in environment.services:
            for reason in why_not_connected(region) if service.settings.source == "github" else ():
                at = f"environments.{environment.name}.services.{service.name}.source"
                yield Problem(at, f"{reason}; {since}")


def _different_regions(configuration: Configuration) -> Iterator[Problem]:
    known = [environment for environment in configuration.environments if has_known_region(environment)]
    for environment in known[1:]:
        if environment.region != known[0].region:
            yield Problem(
                f"environments.{environment.name}.region",
                f"{environment.region} differs from {known[0].region}, the region of {known[0].name}; all environments"
                " of a pipeline must be in one region, because its artifact store serves only one region",
            )
