"""The table `[services.<name>]`: how an application is built, released and run."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field

from cicd_templates.config.tables.autoscaling import AutoscalingTable
from cicd_templates.config.tables.build import BuildTable
from cicd_templates.config.tables.checks import CheckTable
from cicd_templates.config.tables.container import CONTAINER_USER, ContainerTable, UserId, VolumeTable
from cicd_templates.config.tables.field_types import (
    Digest,
    FolderPath,
    Minutes,
    ShellCommand,
    UrlPath,
    VariableName,
    Word,
    matching,
)
from cicd_templates.config.tables.github import GithubTable
from cicd_templates.config.tables.health import AlarmsTable, HealthCheckTable
from cicd_templates.config.tables.job import JobTable
from cicd_templates.config.tables.network_field_types import IpRange, Ports
from cicd_templates.config.tables.rollout import CanaryTable, HookName, LinearTable, Rollout
from cicd_templates.config.tables.secret_field_types import (
    ENVIRONMENT_PLACEHOLDER,
    SecretKeyArn,
    SecretSource,
    refuse_literal_secrets,
)
from cicd_templates.config.tables.table import Table
from cicd_templates.config.tables.unsigned_image import MOST_EXCEPTIONS, UnsignedImageTable

# The memory sizes in MiB that Fargate offers for each number of CPU units:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
FARGATE_MEMORY: dict[int, range | tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
}
CpuUnits = Literal[256, 512, 1024, 2048, 4096]
# This image can answer GET / on any port. It needs neither root nor a writable file system; see
# blocks/bootstrap_command.py.
BOOTSTRAP_IMAGE = (
    "public.ecr.aws/docker/library/python@sha256:01f42367a0a94ad4bc17111776fd66e3500c1d87c15bbd6055b7371d39c124fb"
)
Source = Literal["s3", "github"]
Architecture = Literal["x86_64", "arm64"]
Shape = Literal["web", "worker", "job"]
PathPattern = Annotated[
    str,
    matching(
        r"/[A-Za-z0-9_*?./-]*",
        "write a path that begins with /, such as /pay/*, and has only letters, digits and _ . / - * ?",
        128,
    ),
]
# The container's environment variable with the number of its port.
PORT_VARIABLE = "PORT"


class ServiceTable(Table):
    """`[services.<name>]`: a service; `[environments.<name>.services.<service>]` overrides it in one environment."""

    shape: Shape = Field(
        default="web",
        description="`web` answers requests through the load balancer; `worker` has no port and no load balancer, and"
        " scales on the queues from which it receives; `job` runs on a schedule; choose the shape before the"
        " first deployment",
    )
    image: Digest = Field(
        default=BOOTSTRAP_IMAGE,
        description="Image of the first deployment, by digest; the pipeline sets the image of every later deployment",
    )
    unsigned_images: Annotated[dict[Word, UnsignedImageTable], Field(max_length=MOST_EXCEPTIONS)] = Field(
        default={},
        description="At most three exceptions, keyed by name. Each exception lets one image without a signature run"
        " until a date. The first deployment uses the image in the setting `image`. If the service has the hook"
        " `verify-image`, and this image is unsigned, it needs an exception, too",
    )
    port: Annotated[int, Field(ge=1024, le=65535)] = Field(
        default=8080,
        description="Port on which the container listens; at least 1024, because the container does not run as root",
    )
    cpu: CpuUnits = Field(default=256, description="CPU units of a task; 1024 units are one vCPU")
    memory: int = Field(default=512, description="Memory of a task in MiB; Fargate allows certain sizes for each `cpu`")
    desired_count: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="Number of tasks, unless `autoscaling` is configured"
    )
    path_pattern: PathPattern = Field(
        default="/*", description="Paths of the requests that the shared load balancer sends to this service"
    )
    priority: Annotated[int, Field(ge=1, le=50000)] | None = Field(
        default=None,
        description="Priority of the service's listener rule; the rule with the lowest number is evaluated first;"
        " default: derived from `path_pattern` (100 for `/*`, and a lower number for a more exact pattern)",
    )
    environment: Annotated[dict[VariableName, str], AfterValidator(refuse_literal_secrets)] = Field(
        default={}, description="Environment variables of the container; a value that looks like a secret is refused"
    )
    secrets: dict[VariableName, SecretSource] = Field(
        default={},
        description="Environment variables with secret values. Each entry is a name, a path or an ARN. With a name,"
        " this project creates the secret, and `make secret` sets its value. A path refers to an existing parameter in"
        " Parameter Store; `{environment}` in the path stands for the environment's name. An ARN refers to an existing"
        " secret; if the ARN ends in `:key::`, only this key of a JSON value is used",
    )
    secret_keys: tuple[SecretKeyArn, ...] = Field(
        default=(),
        strict=False,
        description="ARNs of your KMS keys that encrypt existing secrets and parameters in `secrets`; the policy of"
        " each key must also allow `kms:Decrypt` for the execution roles of the service and of its migration",
    )
    uses: dict[Word, Word] = Field(
        default={},
        description="Queues, tables, databases and resources of your own layers that the service uses, with the kind of"
        ' access to each, such as `inbox = "send"`; the container gets the address, and the task role gets the'
        " permissions",
    )
    migration: tuple[ShellCommand, ...] = Field(
        default=(),
        strict=False,
        description="Program and arguments of the migration. It runs once per release in every environment, with the"
        " release's image, before the service is updated. If it fails, the release stops",
    )
    job: JobTable | None = Field(
        default=None,
        description="Schedule, command and limits of the job; required if the service has the shape `job`",
    )
    architecture: Architecture = Field(default="x86_64", description="Processor architecture of the builds and tasks")
    user: UserId = Field(
        default=CONTAINER_USER, description="User and group that run the container and the migration; not root"
    )
    volumes: dict[Word, VolumeTable] = Field(
        default={},
        description="Writable folders of the container and of the migration; all other folders are read-only",
    )
    ephemeral_storage_gib: Annotated[int, Field(ge=21, le=200)] | None = Field(
        default=None,
        description="Disk space of a task in GiB, for its images and volumes, encrypted with the environment's key;"
        " default: 20, the default of Fargate",
    )
    containers: dict[Word, ContainerTable] = Field(
        default={},
        description="Further containers in every task of the service; they start before the service's own container",
    )
    egress: dict[IpRange, Ports] = Field(
        default={"0.0.0.0/0": (443,)}, description="Where tasks may connect to: a list of ports for each IPv4 range"
    )
    backend_tls: bool = Field(
        default=False,
        description="Use TLS between load balancer and task; the task must then serve TLS on `port`; decide this before"
        " the first deployment",
    )
    audited_exec: bool = Field(
        default=False, description="Allow `aws ecs execute-command`, with every session encrypted and recorded"
    )
    health_check: HealthCheckTable = Field(
        default={}, validate_default=True, description="How the load balancer checks the health of a task"
    )
    rollout: Rollout = Field(
        default="rolling",
        description="How a release replaces the previous one: task by task (`rolling`), all requests at once after"
        " a test (`blue-green`), in equal steps (`linear`), or a small share first (`canary`)",
    )
    circuit_breaker: bool | None = Field(
        default=None,
        description="Roll back a release whose tasks do not start. This setting is allowed only if `rollout` is"
        " `rolling`. Its default is then `true`",
    )
    rollback_on_alarm: bool | None = Field(
        default=None,
        description="Roll back a release if an alarm on the service's responses or tasks fires during the deployment."
        " This setting must be true if `rollout` is not `rolling`. It is always true for a worker, because a worker has"
        " no smoke test",
    )
    bake_minutes: Minutes = Field(
        default=5,
        description="Minutes for which ECS watches a release before it stops the previous release; with `rolling`, ECS"
        " computes this time from the alarms",
    )
    canary: CanaryTable = Field(default={}, validate_default=True, description="First step of a canary rollout")
    linear: LinearTable = Field(default={}, validate_default=True, description="Steps of a linear rollout")
    hooks: tuple[HookName, ...] = Field(
        default=(),
        strict=False,
        description="Hooks that must succeed before requests shift: `verify-image` checks the image, `smoke` sends"
        " requests to the new release through the test listener",
    )
    probes: dict[UrlPath, Annotated[int, Field(ge=100, le=599)]] = Field(
        default={},
        description="Paths that `smoke` requests, with the expected status of each; default: 200 from the health"
        " check's path",
    )
    autoscaling: AutoscalingTable | None = Field(
        default=None, description="Limits and targets of scaling; without this table, `desired_count` is fixed"
    )
    alarms: AlarmsTable = Field(
        default={}, validate_default=True, description="Thresholds at which the service counts as unhealthy"
    )
    source: Source = Field(
        default="s3", description="Where releases come from: `s3` (`make release`) or `github` (a connection)"
    )
    path: FolderPath | None = Field(default=None, description="Folder of the service in a monorepo")
    checks: dict[Word, CheckTable] = Field(
        default={}, description="Checks that examine every release before the gate, keyed by name; 1 to 20 checks"
    )
    build: BuildTable = Field(
        default={}, validate_default=True, description="How the image is built, and which facts about it are recorded"
    )
    smoke: tuple[ShellCommand, ...] = Field(
        default=('python3 smoke/smoke.py "$SERVICE_URL"',),
        strict=False,
        min_length=1,
        description="Commands that test a deployed release at `$SERVICE_URL`; they run in the source's folder",
    )
    integration: tuple[ShellCommand, ...] = Field(
        default=(),
        strict=False,
        description="Commands that test the release at `$SERVICE_URL`, after `smoke` and in the same stage",
    )
    github: GithubTable = Field(default={}, validate_default=True, description="The service's repository on GitHub")

    def in_environment(self, name: str) -> Self:
        """Return a copy of this table, with `{environment}` in the paths of secrets replaced by `name`.

        `name` is the name of an environment.
        """
        if not any(ENVIRONMENT_PLACEHOLDER in source for source in self.secret_sources):
            return self

        def of_environment(secrets: Mapping[str, str]) -> dict[str, str]:
            return {key: source.replace(ENVIRONMENT_PLACEHOLDER, name) for key, source in secrets.items()}

        containers = {
            key: container.model_copy(update={"secrets": of_environment(container.secrets)})
            for key, container in self.containers.items()
        }
        return self.model_copy(update={"secrets": of_environment(self.secrets), "containers": containers})

    @property
    def secret_sources(self) -> list[str]:
        """The values of `secrets` of the service and of its further containers."""
        tables = (self.secrets, *(container.secrets for container in self.containers.values()))
        return [source for secrets in tables for source in secrets.values()]

    @property
    def is_web(self) -> bool:
        """Whether the service is a web service: it has a port to which the load balancer sends requests."""
        return self.shape == "web"

    @property
    def has_rollback_alarms(self) -> bool:
        """Whether ECS rolls a release back if an alarm fires during its deployment. By default, true for a worker."""
        return self.shape == "worker" if self.rollback_on_alarm is None else self.rollback_on_alarm

    @property
    def is_progressive(self) -> bool:
        """Whether a rollout runs the old and the new release side by side and shifts requests between them."""
        return self.rollout != "rolling"

    @property
    def has_circuit_breaker(self) -> bool:
        """Whether ECS rolls a release back if its tasks do not start. By default, true for a rolling deployment."""
        return not self.is_progressive if self.circuit_breaker is None else self.circuit_breaker

    @property
    def total_bake_minutes(self) -> int:
        """The sum of all bake times in one deployment, in minutes. CloudFormation limits this sum."""
        match self.rollout:
            case "canary":
                return self.bake_minutes + self.canary.bake_minutes
            case "linear":
                return self.bake_minutes + self.linear.bake_minutes * self.linear.waits
            case "blue-green":
                return self.bake_minutes
            case _:
                return 0
