"""The tables of a service's further containers and of its volumes."""

from typing import Annotated

from pydantic import AfterValidator, Field

from cicd_templates.config.tables.field_types import Digest, ShellCommand, VariableName, Word, matching
from cicd_templates.config.tables.secret_field_types import SecretSource, refuse_literal_secrets
from cicd_templates.config.tables.table import Table

# User and group ids that are not root and do not exist on the host.
CONTAINER_USER = "10001:10001"
# Only numbers are allowed. The number of a name depends on the image, and a name could stand for root.
UserId = Annotated[
    str,
    matching(
        r"[1-9]\d*(:[1-9]\d*)?",
        "write the numbers of a user and a group, such as 10001:10001; the number of root, 0, is not allowed",
        21,
    ),
]
# A mount at such a path would hide the system's own files or the complete image.
_SYSTEM_FOLDERS = ("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "sbin", "sys", "usr")
ContainerPath = Annotated[
    str,
    matching(
        rf"(?!/({'|'.join(_SYSTEM_FOLDERS)})(/|$))(/(?!\.)[\w.-]+)+",
        "write the absolute path of a folder, such as /tmp or /var/spool/pay; hidden folders and the image's system"
        f" folders ({', '.join(f'/{folder}' for folder in _SYSTEM_FOLDERS)}) are not allowed",
        200,
    ),
]
# The limits of Fargate: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
Timeout = Annotated[int, Field(ge=2, le=120)]


def _health_command(command: tuple[str, ...]) -> tuple[str, ...]:
    if command[0] in ("CMD", "CMD-SHELL", "NONE"):
        raise ValueError(
            f'{command[0]!r} must be left out; write only the program and its arguments, or "sh", "-c", ...'
        )
    return command


class VolumeTable(Table):
    """`[services.<name>.volumes.<volume>]`: a writable folder. It is empty at first and is deleted with the task."""

    path: ContainerPath = Field(description="Absolute path of the folder in the container")
    memory_mib: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Size in MiB, for a folder in memory. A folder in memory uses the task's memory, belongs to one"
        " container, and is writable for every user of the container. Without `memory_mib`, the folder is on disk, and"
        " all containers with a volume of this name share the folder. A folder on disk belongs to root unless the image"
        " has a `VOLUME` at this path",
    )


class ContainerHealthTable(Table):
    """`[services.<name>.containers.<container>.health_check]`: how ECS checks a container's health."""

    command: Annotated[tuple[ShellCommand, ...], Field(strict=False, min_length=1), AfterValidator(_health_command)] = (
        Field(
            description="Program and arguments that run in the container; exit code 0 means that the container is"
            " healthy"
        )
    )
    interval_seconds: Annotated[int, Field(ge=5, le=300)] = Field(default=30, description="Seconds between two checks")
    timeout_seconds: Annotated[int, Field(ge=2, le=60)] = Field(
        default=5, description="Seconds after which a check has failed"
    )
    retries: Annotated[int, Field(ge=1, le=10)] = Field(
        default=3, description="Number of consecutive failed checks after which the container is unhealthy"
    )
    grace_seconds: Annotated[int, Field(ge=0, le=300)] = Field(
        default=0, description="Seconds after the start for which failed checks are ignored"
    )


class ContainerTable(Table):
    """`[services.<name>.containers.<container>]`: a further container in every task of the service.

    It shares the network and the task role with the service's own container. It does not run in migrations.
    """

    image: Digest = Field(
        description="Image by digest; `make render` cannot see whether it fits the service's `architecture`"
    )
    command: tuple[ShellCommand, ...] = Field(
        default=(), strict=False, description="Program and arguments; default: the program and arguments of the image"
    )
    environment: Annotated[dict[VariableName, str], AfterValidator(refuse_literal_secrets)] = Field(
        default={}, description="Environment variables of this container; a value that looks like a secret is refused"
    )
    secrets: dict[VariableName, SecretSource] = Field(
        default={}, description="Environment variables with secret values, as in `secrets` of the service"
    )
    init: bool = Field(
        default=False,
        description="Run this container first. The other containers start after this container has ended with exit"
        " code 0. Several `init` containers run one after the other, in the order of the file",
    )
    essential: bool | None = Field(
        default=None,
        description="Whether the whole task stops when this container stops. Default: false for an `init` container,"
        " true for any other container. If an `init` container fails, the task always stops",
    )
    health_check: ContainerHealthTable | None = Field(
        default=None,
        description="Health check of this container. The service's own container waits until this container is healthy."
        " Without a health check, the service's own container only waits until this container has started",
    )
    ports: tuple[Annotated[int, Field(ge=1024, le=65535)], ...] = Field(
        default=(),
        strict=False,
        description="Ports on which this container listens at `localhost` for other containers of the task; nothing"
        " else can connect to these ports",
    )
    cpu: Annotated[int, Field(ge=2)] | None = Field(
        default=None,
        description="CPU units reserved for this container out of the task's `cpu`; the service's own container gets"
        " all other CPU units of the task",
    )
    memory: Annotated[int, Field(ge=6)] | None = Field(
        default=None,
        description="Memory limit in MiB, a part of the task's `memory`; ECS kills a container that needs more",
    )
    user: UserId = Field(default=CONTAINER_USER, description="User and group that run the container; not root")
    volumes: dict[Word, VolumeTable] = Field(
        default={}, description="Writable folders of this container, in the same form as the service's `volumes`"
    )
    start_seconds: Timeout | None = Field(
        default=None,
        description="Seconds within which this container must become healthy. An `init` container must end within this"
        " time. Otherwise, the task stops. Default: the limit of ECS",
    )
    stop_seconds: Timeout | None = Field(
        default=None, description="Seconds between SIGTERM and SIGKILL when the task stops; default: 30"
    )

    @property
    def is_essential(self) -> bool:
        """Whether the whole task stops when this container stops.

        ECS lets a container wait for the end of another container only if that container is not essential.
        """
        return not self.init if self.essential is None else self.essential
