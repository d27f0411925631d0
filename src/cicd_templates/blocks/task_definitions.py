"""The task definition of one application on Fargate, and the roles of its tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from awacs import kms, secretsmanager, ssm, ssmmessages
from awacs import logs as logs_actions
from awacs.aws import ArnLike
from troposphere import AWSHelperFn, Equals, GetAtt, If, NoValue, Parameter, Ref, Sub, ecs, iam, logs

from cicd_templates.blocks import bootstrap_command
from cicd_templates.blocks.keys import may_use_through
from cicd_templates.blocks.log_groups import may_write
from cicd_templates.blocks.repositories import may_pull
from cicd_templates.blocks.roles import service_role
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import log_group_name, physical_name
from cicd_templates.config.tables.service import BOOTSTRAP_IMAGE, PORT_VARIABLE, without_json_key
from cicd_templates.layer.iam import Grant, allow
from cicd_templates.layer.outputs import KeyArn, SecretArn, Value

IMAGE_PARAMETER = "ImageUri"
BOOTSTRAP_CONDITION = "RunsTheBootstrapImage"
# User and group ids that are not root and do not exist on the host.
CONTAINER_USER = "10001:10001"
STREAM_PREFIX = "task"
# Name of the role that the application itself uses. ECS starts the task with another role, the execution role.
TASK_ROLE = reserved_words.TASK
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


def task_role(logical_id: str, env: Environment, service: Service, *purpose: str, grants: Sequence[Grant]) -> iam.Role:
    """Return a role that ECS assumes for tasks of this account.

    `purpose` becomes part of the role's name. It tells the role that starts a task from the role of the application.
    """
    tasks = Sub(f"arn:${{AWS::Partition}}:ecs:{env.region}:{env.account}:*")
    return service_role(
        logical_id,
        env,
        "ecs-tasks",
        *grants,
        name=[service.name, *purpose],
        when=[ArnLike({"aws:SourceArn": tasks})],
    )


def task_definition(
    logical_id: str,
    env: Environment,
    service: Service,
    execution: iam.Role,
    task: iam.Role,
    group: logs.LogGroup,
    secrets: Mapping[str, AWSHelperFn | str],
    addresses: Mapping[str, Value | str],
) -> ecs.TaskDefinition:
    """Return a task definition with one container, which writes its log to `group`.

    The container does not run as root, has a read-only root file system and no Linux capabilities. `secrets` maps
    environment variables to the ARNs of the secrets or parameters that hold their values. `addresses` maps further
    variables to values that other stacks publish.
    """
    settings = service.settings
    variables: dict[str, Value | str] = {**settings.environment, **addresses}
    ports: list[ecs.PortMapping] = []
    if settings.is_web:
        variables[PORT_VARIABLE] = str(settings.port)
        ports = [ecs.PortMapping(ContainerPort=settings.port, Protocol="tcp")]
    command = If(BOOTSTRAP_CONDITION, bootstrap_command.command(service), NoValue)
    container = hardened_container(env, service, group, secrets, variables, command, ports)
    definition = fargate_task(logical_id, env, service, execution, task, container, name=[service.name])
    if settings.audited_exec:
        definition.Volumes = [ecs.Volume(Name=name) for name in AGENT_FOLDERS]
        container.MountPoints = [
            ecs.MountPoint(SourceVolume=name, ContainerPath=path) for name, path in AGENT_FOLDERS.items()
        ]
    return definition


def hardened_container(
    env: Environment,
    service: Service,
    group: logs.LogGroup,
    secrets: Mapping[str, AWSHelperFn | str],
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
            "awslogs-group": group.ref(),
            "awslogs-region": env.region,
            "awslogs-stream-prefix": STREAM_PREFIX,
        },
    )
    container.Command = command
    if secrets:
        container.Secrets = [ecs.Secret(Name=name, ValueFrom=arn) for name, arn in sorted(secrets.items())]
    return container


def fargate_task(
    logical_id: str,
    env: Environment,
    service: Service,
    execution: iam.Role,
    task: iam.Role,
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
        ExecutionRoleArn=GetAtt(execution, "Arn"),
        TaskRoleArn=GetAtt(task, "Arn"),
        ContainerDefinitions=[container],
    )


def _variables(values: Mapping[str, Value | str]) -> list[ecs.Environment]:
    return [ecs.Environment(Name=name, Value=value) for name, value in sorted(values.items())]


def may_start(
    env: Environment,
    service: Service,
    key: KeyArn,
    group: logs.LogGroup,
    secrets: Mapping[str, AWSHelperFn | str],
) -> list[Grant]:
    """Let the role that starts tasks pull the service's image, read the tasks' secrets and write their log."""
    return [
        may_write("WriteTheLog", group),
        *may_pull(env, service),
        *may_read_secrets(env, [key, *service.settings.secret_keys], secrets),
    ]


def may_read_secrets(
    env: Environment, keys: Sequence[KeyArn | str], secrets: Mapping[str, AWSHelperFn | str]
) -> list[Grant]:
    """Let the role that starts tasks read their secrets, which are encrypted with `keys`.

    The grant lists a secret once, even if the tasks read several keys of its JSON value.
    """
    parameters = [arn for arn in secrets.values() if _is_parameter(arn)]
    whole = (without_json_key(arn) if isinstance(arn, str) else arn for arn in secrets.values())
    stored = list(dict.fromkeys(arn for arn in whole if not _is_parameter(arn)))
    grants = []
    if stored:
        grants.append(allow("ReadItsSecrets", [secretsmanager.GetSecretValue], on=stored))
    if parameters:
        grants.append(allow("ReadItsParameters", [ssm.GetParameters], on=parameters))
    if grants:
        grants.append(may_use_through("DecryptThem", env, ["secretsmanager", "ssm"], [kms.Decrypt], keys))
    return grants


def _is_parameter(arn: AWSHelperFn | str) -> bool:
    return isinstance(arn, Sub) and ":parameter/" in str(arn.data)


def secret_arns(
    env: Environment, service: Service, own_secrets: Mapping[str, SecretArn]
) -> dict[str, AWSHelperFn | str]:
    """Return the ARN from which ECS reads each secret variable of the service, keyed by variable.

    It is the ARN of a secret or a parameter. If the value is one key of a JSON secret, the key is appended to the ARN.
    `own_secrets` maps the names of the secrets in the layer `secrets` to their ARNs.
    """
    arns: dict[str, AWSHelperFn | str] = {}
    for variable, source in service.settings.secrets.items():
        if source.startswith("/"):
            arns[variable] = Sub(f"arn:${{AWS::Partition}}:ssm:{env.region}:{env.account}:parameter{source}")
        else:
            arns[variable] = source if source.startswith("arn:") else own_secrets[source]
    return arns


def may_open_exec_sessions(env: Environment, key: KeyArn) -> list[Grant]:
    """Let a task open ECS Exec sessions, which are encrypted and recorded.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html#ecs-exec-required-iam-permissions
    """
    group = Sub(f"arn:${{AWS::Partition}}:logs:{env.region}:{env.account}:log-group:{exec_log_group(env)}:*")
    return [
        allow(
            "OpenTheChannel",
            [
                ssmmessages.CreateControlChannel,
                ssmmessages.CreateDataChannel,
                ssmmessages.OpenControlChannel,
                ssmmessages.OpenDataChannel,
            ],
            on="*",
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsessionmanagermessagegatewayservice.html
            because="ssmmessages has no resource level.",
        ),
        allow(
            "RecordTheSession",
            [logs_actions.CreateLogStream, logs_actions.DescribeLogStreams, logs_actions.PutLogEvents],
            on=group,
        ),
        allow(
            "FindTheRecord",
            [logs_actions.DescribeLogGroups],
            on=Sub(f"arn:${{AWS::Partition}}:logs:{env.region}:{env.account}:log-group:*"),
        ),
        allow("EncryptTheSession", [kms.Decrypt], on=key),
    ]


def exec_log_group(env: Environment) -> str:
    """Return the name of the log group that records the ECS Exec sessions of `env`."""
    return log_group_name(env, "exec")
