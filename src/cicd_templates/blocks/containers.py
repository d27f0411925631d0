"""Creates the containers of a task and their volumes, restricts all containers, and sets their start order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from troposphere import AWSHelperFn, ecs, logs

from cicd_templates.blocks.task_parts import TaskParts
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.tables.container import ContainerHealthTable, ContainerTable, VolumeTable
from cicd_templates.layer.outputs import Value

STREAM_PREFIX = "task"
# A folder in memory is for data only: no programs, no devices and no set-user-id bits.
TMPFS_OPTIONS = ("rw", "noexec", "nosuid", "nodev")


def hardened_container(
    env: Environment,
    log: logs.LogGroup,
    *,
    name: str,
    image: AWSHelperFn | str,
    user: str,
    command: AWSHelperFn | Sequence[str],
    essential: bool = True,
    ports: Sequence[int] = (),
    variables: Mapping[str, Value | str],
    secrets: Mapping[str, AWSHelperFn | str],
    volumes: Mapping[str, VolumeTable],
) -> ecs.ContainerDefinition:
    """Return a container that does not run as root, has no capabilities, and can write only to `volumes`."""
    container = ecs.ContainerDefinition(
        Name=name,
        Image=image,
        Essential=essential,
        User=user,
        ReadonlyRootFilesystem=True,
        LinuxParameters=ecs.LinuxParameters(Capabilities=ecs.KernelCapabilities(Drop=["ALL"]), InitProcessEnabled=True),
    )
    if in_memory := [_tmpfs(volume.path, volume.memory_mib) for volume in volumes.values() if volume.memory_mib]:
        container.LinuxParameters.Tmpfs = in_memory
    if ports:
        container.PortMappings = [ecs.PortMapping(ContainerPort=port, Protocol="tcp") for port in ports]
    if variables:
        container.Environment = [ecs.Environment(Name=key, Value=value) for key, value in sorted(variables.items())]
    container.LogConfiguration = ecs.LogConfiguration(
        LogDriver="awslogs",
        Options={
            "awslogs-group": log.ref(),
            "awslogs-region": env.region,
            "awslogs-stream-prefix": STREAM_PREFIX,
        },
    )
    if command:
        container.Command = command
    if secrets:
        container.Secrets = [ecs.Secret(Name=key, ValueFrom=arn) for key, arn in sorted(secrets.items())]
    mount(container, {name: volume.path for name, volume in volumes.items() if not volume.memory_mib})
    return container


def mount(container: ecs.ContainerDefinition, folders: Mapping[str, str]) -> None:
    """Add mount points to a container. `folders` maps the name of each volume to its path in the container."""
    if folders:
        points = [ecs.MountPoint(SourceVolume=name, ContainerPath=path) for name, path in folders.items()]
        container.MountPoints = [*getattr(container, "MountPoints", ()), *points]


def volumes_of(containers: Sequence[ecs.ContainerDefinition]) -> list[ecs.Volume]:
    """Return the volumes that the containers of a task mount. A volume is an empty folder on the task's disk."""
    mounted = [point.SourceVolume for container in containers for point in getattr(container, "MountPoints", ())]
    return [ecs.Volume(Name=name) for name in dict.fromkeys(mounted)]


def further_containers(env: Environment, service: Service, parts: TaskParts) -> list[ecs.ContainerDefinition]:
    """Return all containers of a task except the service's own container.

    The containers with `init` run first, one after the other. Then all other containers start.
    """
    tables = service.settings.containers
    inits = [name for name, table in tables.items() if table.init]
    containers = []
    for name, table in tables.items():
        container = hardened_container(
            env,
            parts.log,
            name=name,
            image=table.image,
            user=table.user,
            command=table.command and list(table.command),
            essential=table.is_essential,
            ports=table.ports,
            variables=table.environment,
            secrets=parts.container_secrets.get(name, {}),
            volumes=table.volumes,
        )
        _add_limits(container, table)
        earlier = inits[: inits.index(name)] if table.init else inits
        if earlier:
            container.DependsOn = [_after(init, "SUCCESS") for init in earlier]
        containers.append(container)
    return containers


def start_after(container: ecs.ContainerDefinition, service: Service) -> None:
    """Let `container`, the service's own container, start after all other containers of the task.

    If other containers have reserved CPU units, reserve the remaining CPU units of the task for `container`. Without
    CPU units, `container` would get almost no CPU time while a container with CPU units is busy:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
    """
    tables = service.settings.containers
    conditions = {
        name: "SUCCESS" if table.init else "HEALTHY" if table.health_check else "START"
        for name, table in tables.items()
    }
    if conditions:
        container.DependsOn = [_after(name, condition) for name, condition in conditions.items()]
    shares = [table.cpu for table in tables.values() if table.cpu is not None]
    if shares:
        container.Cpu = service.settings.cpu - sum(shares)


def _add_limits(container: ecs.ContainerDefinition, table: ContainerTable) -> None:
    if table.cpu is not None:
        container.Cpu = table.cpu
    if table.memory is not None:
        container.Memory = table.memory
    if table.health_check is not None:
        container.HealthCheck = _health_check(table.health_check)
    if table.start_seconds is not None:
        container.StartTimeout = table.start_seconds
    if table.stop_seconds is not None:
        container.StopTimeout = table.stop_seconds


def _health_check(table: ContainerHealthTable) -> ecs.HealthCheck:
    return ecs.HealthCheck(
        Command=["CMD", *table.command],
        Interval=table.interval_seconds,
        Timeout=table.timeout_seconds,
        Retries=table.retries,
        StartPeriod=table.grace_seconds,
    )


def _after(name: str, condition: str) -> ecs.ContainerDependency:
    return ecs.ContainerDependency(ContainerName=name, Condition=condition)


def _tmpfs(path: str, size: int | None) -> ecs.Tmpfs:
    return ecs.Tmpfs(ContainerPath=path, Size=size, MountOptions=list(TMPFS_OPTIONS))
