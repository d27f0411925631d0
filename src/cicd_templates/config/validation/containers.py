"""Finds problems with a service's further containers and volumes: names, order, ports, images, sizes and folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.private_images import private_repository
from cicd_templates.config.tables.container import ContainerTable, VolumeTable
from cicd_templates.config.tables.service import ServiceTable
from cicd_templates.config.validation.problem import Problem
from cicd_templates.template.partitions import partition_of

# AWS adds containers whose names begin with these words to tasks, for Service Connect and for GuardDuty:
# https://docs.aws.amazon.com/guardduty/latest/ug/how-runtime-monitoring-works-ecs-fargate.html
NAMES_OF_AWS = ("ecs-", "aws-")
# The folders of the agent of ECS Exec, see blocks/task_definitions.py.
EXEC_FOLDERS = ("/var/lib/amazon", "/var/log/amazon")


def problems_of(environment: Environment, service: Service, where: str) -> Iterator[Problem]:
    """Yield the problems of the service's images, further containers and volumes, with TOML paths below `where`."""
    for key, message in _by_key(environment, service):
        yield Problem(f"{where}.{key}", message)


def _by_key(environment: Environment, service: Service) -> Iterator[tuple[str, str]]:
    """Yield `(key, message)` for each problem with the service's images, further containers and volumes."""
    settings = service.settings
    yield from _image("image", settings.image, environment)
    for name, table in settings.containers.items():
        at = f"containers.{name}"
        yield from _image(f"{at}.image", table.image, environment)
        yield from _name(at, name, service)
        yield from _order(at, table)
        for variable in sorted({*table.secrets} & {*table.environment}):
            yield (
                f"{at}.secrets.{variable}",
                "is already an environment variable of the container; choose another name",
            )
    yield from _ports(service)
    yield from _sizes(settings)
    yield from _folders(settings)
    yield from _shared_volumes(settings)


def _image(key: str, image: str, environment: Environment) -> Iterator[tuple[str, str]]:
    private, region = private_repository(image), environment.region
    if environment.settings.nat == "none" and (private is None or private.region != region):
        # VPC endpoints reach only the private ECR registries of their own region:
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
        what = "a public image" if private is None else f"an image in {private.region}"
        yield (
            key,
            f'{what} cannot be pulled with nat = "none", so the service would never become stable;'
            f' set nat = "single", or use an image in a private ECR registry of {region}',
        )
    elif private is not None and partition_of(private.region) != partition_of(region):
        yield (
            key,
            f"the registry is in the partition {partition_of(private.region).name}, which no role of {region} can"
            f" access; copy the image to a registry in {partition_of(region).name}",
        )


def _name(at: str, name: str, service: Service) -> Iterator[tuple[str, str]]:
    if name == service.name:
        yield at, f"the service's own container already has the name {name}; choose another name for this container"
    for beginning in NAMES_OF_AWS:
        if name.startswith(beginning):
            yield (
                at,
                f"AWS may add a container named {name} to tasks; choose a name that does not begin with {beginning}",
            )


def _order(at: str, table: ContainerTable) -> Iterator[tuple[str, str]]:
    if table.init:
        if table.essential:
            yield (
                f"{at}.essential",
                "a container with init ends before the service starts, so it cannot be essential; remove the key"
                " essential",
            )
        if table.health_check is not None:
            yield (
                f"{at}.health_check",
                "a container with init needs no health check, because ECS waits for its exit code; remove health_check",
            )
        if table.ports:
            yield f"{at}.ports", "a container with init = true ends before another container can call it; remove ports"
    if table.start_seconds is not None and not table.init and table.health_check is None:
        yield (
            f"{at}.start_seconds",
            "has no effect, because nothing waits for this container; add health_check or init, or remove this key",
        )


def _ports(service: Service) -> Iterator[tuple[str, str]]:
    settings = service.settings
    taken = {settings.port: f"port of the service {service.name}"} if settings.is_web else {}
    for name, table in settings.containers.items():
        for port in table.ports:
            if port in taken:
                yield (
                    f"containers.{name}.ports",
                    f"{port} is already the {taken[port]}; the containers of a task share one network interface, so"
                    " choose another port",
                )
            taken.setdefault(port, f"port of the container {name}")


def _sizes(settings: ServiceTable) -> Iterator[tuple[str, str]]:
    """Yield a problem if the further containers leave no CPU or memory to the service's own container.

    Also yield a problem for each further container whose in-memory folders need all the memory of the container.
    """
    tables = settings.containers
    cpu = sum(table.cpu or 0 for table in tables.values())
    if cpu >= settings.cpu:
        yield (
            "containers",
            f"the further containers reserve {cpu} of the task's {settings.cpu} CPU units, so the service's own"
            " container gets none; reserve less, or set a larger cpu for the service",
        )
    limits = sum(table.memory or 0 for table in tables.values())
    # The folders in memory of a container with a limit are within this limit.
    unlimited = [settings.volumes, *(table.volumes for table in tables.values() if table.memory is None)]
    folders = sum(volume.memory_mib or 0 for volumes in unlimited for volume in volumes.values())
    if limits + folders >= settings.memory:
        yield (
            "containers" if limits else "volumes",
            f"further containers ({limits} MiB) and folders in memory ({folders} MiB) use all of the task's"
            f" {settings.memory} MiB, so the service's own container gets none; use less, or set a larger memory for"
            " the service",
        )
    for name, table in tables.items():
        own = sum(volume.memory_mib or 0 for volume in table.volumes.values())
        if table.memory is not None and own >= table.memory:
            yield (
                f"containers.{name}.memory",
                f"the container's folders in memory need {own} MiB of its {table.memory} MiB; use more memory, or"
                " smaller folders",
            )


def _folders(settings: ServiceTable) -> Iterator[tuple[str, str]]:
    """Yield a problem for each pair of overlapping folders in a container, because one would hide the other."""
    for at, volumes in _volumes(settings):
        paths = [(f"{at}.{name}.path", volume.path, name) for name, volume in volumes.items()]
        for (_, first, one), (key, path, _) in combinations(paths, 2):
            if _overlap(first, path):
                yield (
                    key,
                    f"{path} overlaps with {first} of the volume {one}; choose folders that do not contain each other",
                )
        if at == "volumes" and settings.audited_exec:
            for key, path, _ in paths:
                for folder in EXEC_FOLDERS:
                    if _overlap(folder, path):
                        yield key, f"{path} overlaps with {folder}, which audited_exec needs; choose another folder"


def _shared_volumes(settings: ServiceTable) -> Iterator[tuple[str, str]]:
    """Yield a problem if volumes of two containers have the same name, but only one of these volumes is in memory."""
    first: dict[str, tuple[str, bool]] = {}
    for at, volumes in _volumes(settings):
        for name, volume in volumes.items():
            is_in_memory = volume.memory_mib is not None
            where, other_is_in_memory = first.setdefault(name, (at, is_in_memory))
            if is_in_memory != other_is_in_memory:
                yield (
                    f"{at}.{name}",
                    f"{where}.{name} has the same name, but only one of the two volumes is in memory; set memory_mib in"
                    " both or in none, or choose another name",
                )


def _volumes(settings: ServiceTable) -> list[tuple[str, Mapping[str, VolumeTable]]]:
    """Return `(path, volumes)` for each container. `path` is the TOML path of the table that defines the volumes.

    The service's own container comes first.
    """
    further = [(f"containers.{name}.volumes", table.volumes) for name, table in settings.containers.items()]
    return [("volumes", settings.volumes), *further]


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
