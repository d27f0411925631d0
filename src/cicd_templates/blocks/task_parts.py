"""Creates the parts that every task of a service needs besides its containers: its log, its roles and its variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from awacs import kms, secretsmanager, ssm, ssmmessages
from awacs import logs as logs_actions
from awacs.aws import ArnLike
from troposphere import AWSHelperFn, Sub, iam, logs

from cicd_templates.blocks.keys import may_use_through
from cicd_templates.blocks.log_groups import masked_log_group, may_write
from cicd_templates.blocks.repositories import may_pull
from cicd_templates.blocks.roles import service_role
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import log_group_name
from cicd_templates.config.tables.container import ContainerTable
from cicd_templates.config.tables.secret_field_types import without_json_key
from cicd_templates.layer.iam import Grant, allow
from cicd_templates.layer.offers import Use
from cicd_templates.layer.outputs import KeyArn, SecretArn, Value
from cicd_templates.layer.template import LayerTemplate

# Name of the role that the application itself uses. ECS starts the task with another role, the execution role.
TASK_ROLE = reserved_words.TASK


class TaskParts(NamedTuple):
    """The resources to which a task definition refers, and the environment variables of its containers.

    - `secrets` maps variables of the service's own container to ARNs of secrets or parameters.
    - `addresses` maps variables of the service's own container to values that are not secret, such as host names.
    - `container_secrets` contains a map like `secrets` for each further container, keyed by the container's name.
    """

    log: logs.LogGroup
    execution: iam.Role
    task: iam.Role
    secrets: Mapping[str, AWSHelperFn | str]
    addresses: Mapping[str, Value | str]
    container_secrets: Mapping[str, Mapping[str, AWSHelperFn | str]]

    @property
    def resources(self) -> tuple[logs.LogGroup, iam.Role, iam.Role]:
        """The log group and the two roles."""
        return self.log, self.execution, self.task


def task_parts(
    layer: LayerTemplate,
    service: Service,
    key: KeyArn,
    own_secrets: Mapping[str, SecretArn],
    uses: Sequence[Use],
    *,
    log: str,
    starting: Sequence[str],
    running: Sequence[str],
    grants: Sequence[Grant] = (),
    containers: Mapping[str, ContainerTable] | None = None,
    images: Sequence[str] = (),
) -> TaskParts:
    """Return the log group, the two roles and the environment variables of a task.

    The caller must add `resources` of the result to a template.

    - ECS starts the task with the execution role. The execution role may read the secrets of all containers, and pull
      their images and the images in `images`.
    - The application uses the task role. The task role has `grants`, and the grants for everything in `uses`.
    - `starting` has the last words of the execution role's name. `running` has the last words of the task role's name.
    - `log` is the name of the log group.
    - `containers` are the task's containers except the service's own container.
    """
    env = layer.env
    tables = containers or {}
    secrets = secret_arns(env, service.settings.secrets, own_secrets)
    container_secrets = {name: secret_arns(env, table.secrets, own_secrets) for name, table in tables.items()}
    group = masked_log_group("LogGroup", env, log, key)
    starts = may_start(
        env,
        service,
        key,
        group,
        [arn for arns in (secrets, *container_secrets.values()) for arn in arns.values()],
        [*images, *(table.image for table in tables.values())],
    )
    execution = task_role("ExecutionRole", env, service, *starting, grants=starts)
    addresses: dict[str, Value | str] = {}
    allowed = [*grants]
    for use in uses:
        allowed += use.grants(layer)
        addresses |= use.variables(layer)
    task = task_role("TaskRole", env, service, *running, grants=allowed)
    return TaskParts(group, execution, task, secrets, addresses, container_secrets)


def task_role(logical_id: str, env: Environment, service: Service, *purpose: str, grants: Sequence[Grant]) -> iam.Role:
    """Return the execution role or the task role of a task. `purpose` has the last words of the role's name.

    ECS may assume the role only for tasks of the account and the region of `env`.
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


def may_start(
    env: Environment,
    service: Service,
    key: KeyArn,
    group: logs.LogGroup,
    secrets: Sequence[AWSHelperFn | str],
    images: Sequence[str] = (),
) -> list[Grant]:
    """Return the permissions of the role that starts tasks.

    The role may pull the service's image and the images in `images`, read `secrets`, and write to the log `group`.
    """
    return [
        may_write("WriteTheLog", group),
        *may_pull(env, service, images),
        *may_read_secrets(env, [key, *service.settings.secret_keys], secrets),
    ]


def may_read_secrets(
    env: Environment, keys: Sequence[KeyArn | str], secrets: Sequence[AWSHelperFn | str]
) -> list[Grant]:
    """Let the role that starts tasks read the secrets of the tasks. The secrets are encrypted with `keys`.

    The grant contains each secret once, even if several containers or variables read it.
    """
    parameters = list(dict.fromkeys(arn for arn in secrets if is_parameter(arn)))
    whole = (without_json_key(arn) if isinstance(arn, str) else arn for arn in secrets)
    stored = list(dict.fromkeys(arn for arn in whole if not is_parameter(arn)))
    grants = []
    if stored:
        grants.append(allow("ReadItsSecrets", [secretsmanager.GetSecretValue], on=stored))
    if parameters:
        grants.append(allow("ReadItsParameters", [ssm.GetParameters], on=parameters))
    if grants:
        grants.append(may_use_through("DecryptThem", env, ["secretsmanager", "ssm"], [kms.Decrypt], keys))
    return grants


def is_parameter(arn: AWSHelperFn | str) -> bool:
    """Return whether the source of a secret variable is a Parameter Store parameter. `arn` is the ARN of the source."""
    return isinstance(arn, Sub) and ":parameter/" in str(arn.data)


def secret_arns(
    env: Environment, variables: Mapping[str, str], own_secrets: Mapping[str, SecretArn]
) -> dict[str, AWSHelperFn | str]:
    """Return the ARN from which ECS reads each secret environment variable of a container, keyed by variable name.

    `variables` is the container's table `secrets`. Each variable in this table has one of these values:

    - the path of a parameter in Parameter Store
    - the ARN of a parameter or a secret
    - the name of a secret that the layer `secrets` creates. `own_secrets` has the ARNs of these secrets, keyed by name.
    """
    arns: dict[str, AWSHelperFn | str] = {}
    for variable, source in variables.items():
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
            because="ssmmessages supports no resource-level permissions.",
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
