"""Creates the task definition of one application on Fargate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from troposphere import AWSHelperFn, Equals, GetAtt, If, NoValue, Parameter, Ref, ecs

from cicd_templates.blocks import bootstrap_command, containers
from cicd_templates.blocks.task_parts import TaskParts
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import physical_name
from cicd_templates.config.tables.service import BOOTSTRAP_IMAGE, PORT_VARIABLE
from cicd_templates.layer.outputs import Value
from cicd_templates.template.image_parameter import IMAGE_PARAMETER

BOOTSTRAP_CONDITION = "RunsTheBootstrapImage"
PROCESSORS = {"x86_64": "X86_64", "arm64": "ARM64"}
# The agent of ECS Exec writes to these folders. They need volumes, because the root file system is read-only:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
AGENT_FOLDERS = {"AgentState": "/var/lib/amazon", "AgentLog": "/var/log/amazon"}


def bootstrap_image_condition() -> Equals:
    """Return the condition that is true while the service runs the bootstrap image, before its first release."""
    return Equals(Ref(IMAGE_PARAMETER), BOOTSTRAP_IMAGE)


def image_parameter(service: Service) -> Parameter:
    """Return the template parameter for the image. Its default is the image of the first deployment."""
    return Parameter(
        IMAGE_PARAMETER,
        Type="String",
        Default=service.settings.image,
        AllowedPattern=r"^\S+@sha256:[0-9a-f]{64}$",
        ConstraintDescription="an image by digest",
        Description="The image to run, by digest. The pipeline sets it, and every other update keeps it",
    )


def task_definition(logical_id: str, env: Environment, service: Service, parts: TaskParts) -> ecs.TaskDefinition:
    """Return the task definition of a service, with its own container and the further containers of the configuration.

    Containers do not run as root, cannot write to their root file systems, and have no Linux capabilities.
    """
    settings = service.settings
    variables: dict[str, Value | str] = {**settings.environment, **parts.addresses}
    ports: list[int] = []
    if settings.is_web:
        variables[PORT_VARIABLE] = str(settings.port)
        ports = [settings.port]
    # A job runs only after its first release.
    own = settings.job.command if settings.job else None
    command = list(own) if own else If(BOOTSTRAP_CONDITION, bootstrap_command.command(service), NoValue)
    container = own_container(env, service, parts, variables, command, ports)
    containers.start_after(container, service)
    if settings.audited_exec:
        containers.mount(container, AGENT_FOLDERS)
    further = containers.further_containers(env, service, parts)
    return fargate_task(logical_id, env, service, parts, container, *further, name=[service.name])


def own_container(
    env: Environment,
    service: Service,
    parts: TaskParts,
    variables: Mapping[str, Value | str],
    command: AWSHelperFn | Sequence[str],
    ports: Sequence[int] = (),
) -> ecs.ContainerDefinition:
    """Return the container that runs the service's image, with the service's secrets, user and volumes."""
    return containers.hardened_container(
        env,
        parts.log,
        name=service.name,
        image=Ref(IMAGE_PARAMETER),
        user=service.settings.user,
        command=command,
        ports=ports,
        variables=variables,
        secrets=parts.secrets,
        volumes=service.settings.volumes,
    )


def fargate_task(
    logical_id: str,
    env: Environment,
    service: Service,
    parts: TaskParts,
    *of_task: ecs.ContainerDefinition,
    name: Sequence[str],
) -> ecs.TaskDefinition:
    """Return a Fargate task definition with the service's size and containers. `name` is the name of its family."""
    settings = service.settings
    definition = ecs.TaskDefinition(
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
        ContainerDefinitions=list(of_task),
    )
    if volumes := containers.volumes_of(of_task):
        definition.Volumes = volumes
    if settings.ephemeral_storage_gib is not None:
        definition.EphemeralStorage = ecs.EphemeralStorage(SizeInGiB=settings.ephemeral_storage_gib)
    return definition
