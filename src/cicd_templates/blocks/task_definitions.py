"""The task definition of one application on Fargate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from troposphere import AWSHelperFn, Equals, GetAtt, If, NoValue, Parameter, Ref, ecs

from cicd_templates.blocks import bootstrap_command
from cicd_templates.blocks.task_parts import TaskParts
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name
from cicd_templates.config.tables.service import BOOTSTRAP_IMAGE, PORT_VARIABLE
from cicd_templates.layer.outputs import Value

IMAGE_PARAMETER = "ImageUri"
BOOTSTRAP_CONDITION = "RunsTheBootstrapImage"
# User and group ids that are not root and do not exist on the host.
CONTAINER_USER = "10001:10001"
STREAM_PREFIX = "task"
PROCESSORS = {"x86_64": "X86_64", "arm64": "ARM64"}
# The agent of ECS Exec writes to these folders. They need volumes, because the root file system is read-only:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
AGENT_FOLDERS = {"AgentState": "/var/lib/amazon", "AgentLog": "/var/log/amazon"}


def bootstrap_image_condition() -> Equals:
    """Return the condition that is true while the service runs the bootstrap image, before its first release."""
    return Equals(Ref(IMAGE_PARAMETER), BOOTSTRAP_IMAGE)


def image_parameter(service: Service) -> Parameter:
    """Return the template parameter that holds the image. The image of the first deployment is its default."""
    return Parameter(
        IMAGE_PARAMETER,
        Type="String",
        Default=service.settings.image,
        AllowedPattern=r"^\S+@sha256:[0-9a-f]{64}$",
        ConstraintDescription="an image by digest",
        Description="The image that runs, by digest; decided by the pipeline and kept by every other update",
    )


def task_definition(logical_id: str, env: Environment, service: Service, parts: TaskParts) -> ecs.TaskDefinition:
    """Return the task definition of a service, with one container.

    The container does not run as root, has a read-only root file system and no Linux capabilities.
    """
    settings = service.settings
    variables: dict[str, Value | str] = {**settings.environment, **parts.addresses}
    ports: list[ecs.PortMapping] = []
    if settings.is_web:
        variables[PORT_VARIABLE] = str(settings.port)
        ports = [ecs.PortMapping(ContainerPort=settings.port, Protocol="tcp")]
    # A job runs only after its first release.
    own = settings.job.command if settings.job else None
    command = list(own) if own else If(BOOTSTRAP_CONDITION, bootstrap_command.command(service), NoValue)
    container = hardened_container(env, service, parts, variables, command, ports)
    definition = fargate_task(logical_id, env, service, parts, container, name=[service.name])
    if settings.audited_exec:
        definition.Volumes = [ecs.Volume(Name=name) for name in AGENT_FOLDERS]
        container.MountPoints = [
            ecs.MountPoint(SourceVolume=name, ContainerPath=path) for name, path in AGENT_FOLDERS.items()
        ]
    return definition


def hardened_container(
    env: Environment,
    service: Service,
    parts: TaskParts,
    variables: Mapping[str, Value | str],
    command: AWSHelperFn | Sequence[str],
    ports: Sequence[ecs.PortMapping] = (),
) -> ecs.ContainerDefinition:
    """Return a container with the service's image: no root user, no capabilities, read-only file system."""
    container = ecs.ContainerDefinition(
        Name=service.name,
        Image=Ref(IMAGE_PARAMETER),
        Essential=True,
        User=CONTAINER_USER,
        ReadonlyRootFilesystem=True,
        LinuxParameters=ecs.LinuxParameters(Capabilities=ecs.KernelCapabilities(Drop=["ALL"]), InitProcessEnabled=True),
    )
    if ports:
        container.PortMappings = list(ports)
    if variables:
        container.Environment = _variables(variables)
    container.LogConfiguration = ecs.LogConfiguration(
        LogDriver="awslogs",
        Options={
            "awslogs-group": parts.log.ref(),
            "awslogs-region": env.region,
            "awslogs-stream-prefix": STREAM_PREFIX,
        },
    )
    container.Command = command
    if parts.secrets:
        container.Secrets = [ecs.Secret(Name=name, ValueFrom=arn) for name, arn in sorted(parts.secrets.items())]
    return container


def fargate_task(
    logical_id: str,
    env: Environment,
    service: Service,
    parts: TaskParts,
    container: ecs.ContainerDefinition,
    *,
    name: Sequence[str],
) -> ecs.TaskDefinition:
    """Return a Fargate task definition of the service's size with one container; `name` is the family's name."""
    settings = service.settings
    return ecs.TaskDefinition(
        logical_id,
        Family=physical_name(env, "AWS::ECS::TaskDefinition", *name),
        RequiresCompatibilities=["FARGATE"],
        NetworkMode="awsvpc",
        Cpu=str(settings.cpu),
        Memory=str(settings.memory),
        RuntimePlatform=ecs.RuntimePlatform(
            CpuArchitecture=PROCESSORS[settings.architecture], OperatingSystemFamily="LINUX"
        ),
        ExecutionRoleArn=GetAtt(parts.execution, "Arn"),
        TaskRoleArn=GetAtt(parts.task, "Arn"),
        ContainerDefinitions=[container],
    )


def _variables(values: Mapping[str, Value | str]) -> list[ecs.Environment]:
    return [ecs.Environment(Name=name, Value=value) for name, value in sorted(values.items())]
