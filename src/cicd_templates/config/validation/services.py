"""Finds problems with services: task sizes, images, variables and listener rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network

from cicd_templates.config.environment import Configuration, Environment
from cicd_templates.config.pydantic_messages import toml_text
from cicd_templates.config.tables.network_field_types import Nat
from cicd_templates.config.tables.secret_field_types import is_existing_secret, is_in_another_partition
from cicd_templates.config.tables.service import FARGATE_MEMORY, PORT_VARIABLE, ServiceTable
from cicd_templates.config.validation import autoscaling, containers, jobs, rollouts, routes, shapes
from cicd_templates.config.validation.problem import Problem
from cicd_templates.template.arn import Arn
from cicd_templates.template.partitions import partition_of

# https://www.rfc-editor.org/rfc/rfc1918 and https://www.rfc-editor.org/rfc/rfc6598
PRIVATE_RANGES = [IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]
HTTPS_PORT = 443


# Settings of a release and its pipeline, which are the same for all environments.
RELEASE_KEYS = {
    "architecture": "a release is one image",
    "shape": "a release has one pipeline",
    "migration": "a release has one migration",
}


def problems(configuration: Configuration) -> Iterator[Problem]:
    """Yield a problem for each service whose `architecture`, `shape` or `migration` differs between environments."""
    for key, reason in RELEASE_KEYS.items():
        released: dict[str, object] = {}
        for environment in configuration.environments:
            for service in environment.services:
                value = getattr(service.settings, key)
                first = released.setdefault(service.name, value)
                if value != first:
                    yield Problem(
                        f"environments.{environment.name}.services.{service.name}.{key}",
                        f"{_text(value)} differs from {_text(first)} in another environment; {reason}, so set one"
                        f" value in [services.{service.name}]",
                    )


def _text(value: object) -> str:
    return toml_text(list(value)) if isinstance(value, tuple) else str(value)


def problems_in(environment: Environment) -> Iterator[Problem]:
    """Yield a problem for each setting that would make AWS refuse a service, or prevent its tasks from starting.

    Yield nothing for an environment that is not a runtime environment.
    """
    if environment.kind != "runtime":
        return
    at = f"environments.{environment.name}.services"
    for service in environment.services:
        settings, where = service.settings, f"{at}.{service.name}"
        yield from _size(settings, where)
        yield from containers.problems_of(environment, service, where)
        yield from _egress(settings, environment.region, where)
        for key, message in _by_key(settings):
            yield Problem(f"{where}.{key}", message)
        port = {PORT_VARIABLE} if settings.is_web else set()
        for variable in sorted({*settings.secrets} & {*settings.environment, *port}):
            yield Problem(
                f"{where}.secrets.{variable}",
                "is already an environment variable of the container; choose another name",
            )
        yield from _secret_keys(settings, environment.region, where)
        yield from _secret_partitions(settings.secrets, environment.region, f"{where}.secrets")
        for name, container in settings.containers.items():
            at_container = f"{where}.containers.{name}.secrets"
            yield from _secret_partitions(container.secrets, environment.region, at_container)
        yield from _smoke_route(settings, environment.settings.nat, where)
    yield from routes.problems_in(environment)


def _by_key(settings: ServiceTable) -> Iterator[tuple[str, str]]:
    """Yield `(key, message)` for each problem with a service's settings, rollout and autoscaling."""
    yield from (jobs if settings.shape == "job" else shapes).problems(settings)
    if settings.is_web:
        yield from rollouts.problems(settings)
    if settings.autoscaling is not None:
        yield from autoscaling.problems(settings.autoscaling, needs_target=settings.is_web)


def _secret_keys(settings: ServiceTable, region: str, where: str) -> Iterator[Problem]:
    """Yield a problem if `secret_keys` is set, but the service uses no existing secret.

    Also yield a problem for each KMS key in `secret_keys` that is not in `region`.
    """
    if settings.secret_keys and not any(map(is_existing_secret, settings.secret_sources)):
        yield Problem(
            f"{where}.secret_keys",
            "the service uses no existing secret, and only existing secrets need secret_keys; remove secret_keys",
        )
    for key in settings.secret_keys:
        arn = Arn.parse(key)
        if (arn.partition, arn.region) != (partition_of(region).name, region):
            yield Problem(
                f"{where}.secret_keys",
                f"{key} is a key of {arn.region} in the partition {arn.partition}, but the secrets of a task in "
                f"{region} are encrypted with a key of {region}; write the ARN of the key in {region}",
            )


def _secret_partitions(secrets: Mapping[str, str], region: str, where: str) -> Iterator[Problem]:
    """Yield a problem for each existing secret that tasks cannot read, because `region` is in another partition."""
    partition = partition_of(region).name
    for variable, source in secrets.items():
        if is_in_another_partition(source, region):
            yield Problem(
                f"{where}.{variable}",
                f"{source} is in the partition {Arn.parse(source).partition}, but {region} is in {partition}; name a"
                f" secret that a task in {region} can read",
            )


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


def _egress(settings: ServiceTable, region: str, where: str) -> Iterator[Problem]:
    """Yield a problem if tasks cannot reach S3, where ECR stores the layers of every image.

    Fargate pulls the image, reads the secrets and writes the log through the task's own network interface:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html

    Tasks reach S3 at its public addresses, even if the VPC has a gateway endpoint for S3. So the egress rules must
    allow the public addresses.
    """
    ranges = [IPv4Network(cidr) for cidr, ports in settings.egress.items() if HTTPS_PORT in ports]
    if all(any(open_to.subnet_of(private) for private in PRIVATE_RANGES) for open_to in ranges):
        yield Problem(
            f"{where}.egress",
            'tasks cannot pull images, because egress does not allow port 443 of S3; add "0.0.0.0/0" = [443], or the'
            f" public ranges of S3 in {region}",
        )


def _smoke_route(settings: ServiceTable, nat: Nat, where: str) -> Iterator[Problem]:
    if nat == "none" and "smoke" in settings.hooks:
        yield Problem(
            f"{where}.hooks",
            "the smoke hook connects to the public address of the load balancer, and cannot reach this address with"
            ' nat = "none"; set nat = "single"',
        )
