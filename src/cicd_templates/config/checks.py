"""What the tables of a configuration must agree on among themselves, and what AWS would refuse or never finish.

Each check is a generator over a `Configuration` and yields every problem that it finds; none stops at the first.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from cicd_templates.config import rollout_checks
from cicd_templates.config.environment import Configuration, Environment, Service
from cicd_templates.config.naming import title
from cicd_templates.config.regions import REGIONS
from cicd_templates.config.tables import PLACEHOLDER_REPOSITORY, RETENTION_DAYS
from cicd_templates.config.types import FARGATE_MEMORY
from cicd_templates.errors import ConfigurationError
from cicd_templates.plurals import counted

PUBLIC_REGISTRIES = re.compile(r"^(public\.ecr\.aws|docker\.io|ghcr\.io|quay\.io|registry-1\.docker\.io)/")
# A Lambda action takes five input artifacts, and each check hands one to the gate:
# https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Lambda.html
MOST_CHECKS = 5
# An audit asks for a year of history (PCI DSS 10.5.1).
AUDIT_RETENTION_DAYS = 365


@dataclass(frozen=True)
class Problem:
    """One thing wrong in the file: the TOML path of its key and what would be right."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def refused(source: str, found: Sequence[Problem]) -> ConfigurationError:
    """The error that lists what was `found` wrong in `source`, a line each."""
    return ConfigurationError("\n  ".join([f"{source}: {counted(len(found), 'problem')}", *map(str, found)]))


def problems(configuration: Configuration, unread: Collection[str] = ()) -> Iterator[Problem]:
    """Every disagreement in `configuration`, in the order of the checks.

    `unread` are the environments whose own tables are wrong: they are there, and nothing is known of them.
    """
    yield from _pipeline_path(configuration, unread)
    yield from _known_regions(configuration)
    yield from _one_region(configuration)
    yield from _distinct_names(configuration)
    yield from _reserved(configuration)
    yield from _overlapping_networks(configuration)
    yield from _one_architecture(configuration)
    for environment in configuration.environments:
        at = f"environments.{environment.name}"
        yield from _network(environment, at)
        yield from _transport(environment, at)
        yield from _retention(environment, at)
        yield from _services(environment, at)
        yield from _releases(configuration, environment, at)


def _pipeline_path(configuration: Configuration, unread: Collection[str]) -> Iterator[Problem]:
    runtime = [environment.name for environment in configuration.environments if environment.kind == "runtime"]
    for index, name in enumerate(configuration.pipeline.path):
        if name not in runtime and name not in unread:
            yield Problem(
                f"pipeline.path[{index}]",
                f"{name!r} is not a runtime environment; there {_are(runtime)}",
            )
        elif name in configuration.pipeline.path[:index]:
            yield Problem(f"pipeline.path[{index}]", f"{name!r} is on the path already; name each environment once")
    tools = [environment.name for environment in configuration.environments if environment.kind == "tools"]
    if len(tools) > 1 or not (tools or unread):
        yield Problem(
            "environments",
            f'exactly one environment has kind = "tools", where the pipeline lives; there {_are(tools)}',
        )


def _are(names: list[str]) -> str:
    return "are none" if not names else f"{'is' if len(names) == 1 else 'are'} {', '.join(names)}"


def _is_known(environment: Environment) -> bool:
    """Whether its region is one; where it is not, what does not fit to it is not told as well."""
    return environment.region in (*REGIONS, *environment.project.new_regions)


def _known_regions(configuration: Configuration) -> Iterator[Problem]:
    known = [*REGIONS, *configuration.project.new_regions]
    for environment in configuration.environments:
        if not _is_known(environment):
            close = difflib.get_close_matches(environment.region, known, n=1)
            yield Problem(
                f"environments.{environment.name}.region",
                f"{environment.region} is not a region of AWS{f'; did you mean {close[0]}?' if close else ''}"
                f' (one that is newer than this version: project.new_regions = ["{environment.region}"])',
            )


def _one_region(configuration: Configuration) -> Iterator[Problem]:
    known = [environment for environment in configuration.environments if _is_known(environment)]
    for environment in known[1:]:
        if environment.region != known[0].region:
            yield Problem(
                f"environments.{environment.name}.region",
                f"{environment.region} differs from {known[0].region} of {known[0].name}; the environments of one"
                " pipeline share a region, because its artifact store serves one",
            )


def _distinct_names(configuration: Configuration) -> Iterator[Problem]:
    for one, other in combinations(configuration.environments, 2):
        if one.qualified == other.qualified:
            with_suffix = other if other.suffix else one
            yield Problem(
                f"environments.{with_suffix.name}.suffix",
                f"{with_suffix.suffix!r} gives {one.name} and {other.name} the same names ({one.qualified});"
                " choose another suffix",
            )
    yield from _apart([environment.name for environment in configuration.environments], "environments")


def _reserved(configuration: Configuration) -> Iterator[Problem]:
    """Words with which the names of roles begin that policies admit or refuse by pattern."""
    names = {service.name for environment in configuration.environments for service in environment.services}
    for service in sorted(names):
        for word in ("action-source-", "execution-"):
            if service.startswith(word):
                yield Problem(f"services.{service}", f"{word} begins the names of other roles; choose another name")


def _apart(names: Iterable[str], where: str) -> Iterator[Problem]:
    """Names become parts of logical ids, which have no hyphens: `eu-1` and `eu1` would be one resource."""
    for one, other in combinations(names, 2):
        if title(one) == title(other):
            yield Problem(f"{where}.{other}", f"{one} and {other} differ by a hyphen only; choose another name")


def _overlapping_networks(configuration: Configuration) -> Iterator[Problem]:
    with_network = [environment for environment in configuration.environments if environment.settings.cidr]
    for one, other in combinations(with_network, 2):
        if one.network.overlaps(other.network):
            yield Problem(
                f"environments.{other.name}.cidr",
                f"{other.network} overlaps {one.network} of {one.name}; choose ranges apart, so they can be peered",
            )


def _network(environment: Environment, at: str) -> Iterator[Problem]:
    settings = environment.settings
    if environment.kind != "runtime":
        return
    if settings.cidr is None:
        yield Problem(f"{at}.cidr", 'missing; a runtime environment needs a range, such as "10.20.0.0/16"')
    if len(settings.zones) < 2:
        yield Problem(f"{at}.zones", "a load balancer needs at least two availability zones")
    for index, zone in enumerate(settings.zones):
        if zone[:-1] != settings.region and _is_known(environment):
            yield Problem(f"{at}.zones[{index}]", f"{zone} is not a zone of {settings.region}")
        elif zone in settings.zones[:index]:
            yield Problem(f"{at}.zones[{index}]", f"{zone} is listed already; name each zone once")


def _transport(environment: Environment, at: str) -> Iterator[Problem]:
    settings = environment.settings
    if environment.kind != "runtime":
        return
    if settings.allow_http and environment.protected:
        yield Problem(f"{at}.allow_http", "a protected environment serves TLS only; set certificate_arn instead")
    if settings.allow_http and settings.certificate_arn:
        yield Problem(f"{at}.allow_http", "contradicts certificate_arn; keep one of them")
    if settings.certificate_arn and not settings.domain:
        yield Problem(f"{at}.domain", "missing; name the host that certificate_arn is for, where the service answers")
    if not settings.allow_http and not settings.certificate_arn:
        remedy = "" if environment.protected else ", or allow_http = true for an environment that nobody depends on"
        yield Problem(f"{at}.certificate_arn", f"missing; name an ACM certificate of {settings.region}{remedy}")
    if settings.certificate_arn:
        # A load balancer takes certificates of its own region and account only:
        # https://docs.aws.amazon.com/acm/latest/userguide/acm-regions.html
        region, account = settings.certificate_arn.split(":")[3:5]
        if account != settings.account or (region != settings.region and _is_known(environment)):
            yield Problem(
                f"{at}.certificate_arn",
                f"is of {account} in {region}; a load balancer takes a certificate of its own account and region,"
                f" {settings.account} in {settings.region}",
            )


def _retention(environment: Environment, at: str) -> Iterator[Problem]:
    days = environment.settings.log_retention_days
    if environment.protected and days < AUDIT_RETENTION_DAYS:
        longer = ", ".join(str(value) for value in RETENTION_DAYS if value >= AUDIT_RETENTION_DAYS)
        yield Problem(
            f"{at}.log_retention_days",
            f"{days} is short of the year that a protected environment keeps; use {longer}",
        )


def _one_architecture(configuration: Configuration) -> Iterator[Problem]:
    """A release is one image, built in tools, so its processors are the same everywhere."""
    built: dict[str, str] = {}
    for environment in configuration.environments:
        for service in environment.services:
            first = built.setdefault(service.name, service.settings.architecture)
            if service.settings.architecture != first:
                yield Problem(
                    f"environments.{environment.name}.services.{service.name}.architecture",
                    f"{service.settings.architecture} differs from {first} elsewhere; a release is one"
                    f" image, so set it under [services.{service.name}]",
                )


def _services(environment: Environment, at: str) -> Iterator[Problem]:
    if environment.kind != "runtime":
        return
    for service in environment.services:
        settings, where = service.settings, f"{at}.services.{service.name}"
        if settings.memory not in FARGATE_MEMORY[settings.cpu]:
            known = FARGATE_MEMORY[settings.cpu]
            sizes = (
                f"{known.start} to {known[-1]} in steps of {known.step}"
                if isinstance(known, range)
                else ", ".join(map(str, known))
            )
            yield Problem(
                f"{where}.memory",
                f"Fargate has no {settings.memory} MiB with cpu = {settings.cpu}; use {sizes}",
            )
        if environment.settings.nat == "none" and PUBLIC_REGISTRIES.match(settings.image):
            # VPC endpoints reach private ECR only:
            # https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
            yield Problem(
                f"{where}.image",
                'a public image cannot be pulled with nat = "none", so the service would never stabilise;'
                ' set nat = "single", or name an image of your own ECR',
            )
        for key, message in rollout_checks.problems(settings):
            yield Problem(f"{where}.{key}", message)
        for variable in sorted({*settings.secrets} & {*settings.environment, "PORT"}):
            yield Problem(f"{where}.secrets.{variable}", "is an environment variable already; a variable has one value")
        if environment.settings.nat == "none" and "smoke" in settings.hooks:
            yield Problem(
                f"{where}.hooks",
                'smoke reaches the load balancer by its public address, and nat = "none" leaves no way to it;'
                ' set nat = "single"',
            )
    yield from _listener_rules(environment, at)


def _listener_rules(environment: Environment, at: str) -> Iterator[Problem]:
    for one, other in combinations(environment.services, 2):
        if one.settings.priority == other.settings.priority:
            yield Problem(
                f"{at}.services.{other.name}.priority",
                f"{other.settings.priority} is the priority of {one.name} already; a listener takes each once",
            )


def _releases(configuration: Configuration, environment: Environment, at: str) -> Iterator[Problem]:
    """What a release needs: checks and a source where the pipeline lives, approvers where it ends."""
    on_the_path = environment.kind == "runtime" and environment.name in configuration.pipeline.path
    if on_the_path and environment.protected and not environment.settings.stakeholders.approvers:
        yield Problem(f"{at}.stakeholders.approvers", "missing; a protected environment needs somebody who approves")
    if environment.kind != "tools":
        return
    protected = [peer.name for peer in environment.peers if peer.protected and peer.name in configuration.pipeline.path]
    for service in environment.services:
        where = f"services.{service.name}"
        yield from _checks(service, where)
        github = service.settings.github
        if service.settings.source == "github" and github.connection_arn is None:
            yield Problem(
                f"{where}.github.connection_arn",
                'missing; make a connection in the console for source = "github", or use source = "s3"',
            )
        released = service.settings.source == "github" or github.releases
        if released and github.repository == PLACEHOLDER_REPOSITORY and protected:
            yield Problem(
                f"{where}.github.repository",
                f"missing; the placeholder {PLACEHOLDER_REPOSITORY} may not release to {', '.join(protected)},"
                " which is protected",
            )


def _checks(service: Service, where: str) -> Iterator[Problem]:
    checks = service.settings.checks
    if not checks:
        yield Problem(
            f"{where}.checks",
            'no check is configured, so nothing could be judged; begin with bandit = { preset = "bandit" }',
        )
    if len(checks) > MOST_CHECKS:
        yield Problem(f"{where}.checks", f"{len(checks)} checks; the gate, a Lambda action, takes {MOST_CHECKS}")
    yield from _apart(checks, f"{where}.checks")
    for name, check in checks.items():
        if check.preset is None:
            for key in ("image", "commands", "format", "version"):
                if not getattr(check, key):
                    yield Problem(f"{where}.checks.{name}.{key}", "missing; a check without a preset says it itself")
