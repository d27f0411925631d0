"""The table `[services.<name>]`: how one application is built, released and run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cicd_templates.config.tables.autoscaling import AutoscalingTable
from cicd_templates.config.tables.build import BuildTable
from cicd_templates.config.tables.checks import CheckTable
from cicd_templates.config.tables.fields import (
    WORD,
    Digest,
    FolderPath,
    Minutes,
    ShellCommand,
    UrlPath,
    VariableName,
    Word,
    text,
)
from cicd_templates.config.tables.github import GithubTable
from cicd_templates.config.tables.health import AlarmsTable, HealthCheckTable
from cicd_templates.config.tables.network import IpRange, Ports
from cicd_templates.config.tables.rollout import CanaryTable, HookName, LinearTable, Rollout
from cicd_templates.config.tables.table import Table

# The sizes of one Fargate task, CPU units to MiB of memory:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
FARGATE_MEMORY: dict[int, range | tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
}
CpuUnits = Literal[256, 512, 1024, 2048, 4096]
# Serves GET / on any port without writing to its file system or needing root; see blocks/bootstrap.py.
BOOTSTRAP_IMAGE = (
    "public.ecr.aws/docker/library/python@sha256:01f42367a0a94ad4bc17111776fd66e3500c1d87c15bbd6055b7371d39c124fb"
)
Source = Literal["s3", "github"]
Architecture = Literal["x86_64", "arm64"]
PathPattern = Annotated[
    str, text(r"/[A-Za-z0-9_*?./-]*", "write a path from / on, such as /pay/*, of letters, digits and _ . / - * ?", 128)
]
# A word names a secret that is made here, a path a parameter, and an ARN a secret that exists.
SecretSource = Annotated[
    str,
    text(
        rf"{WORD}|/[\w./-]+|arn:[\w-]+:secretsmanager:[a-z0-9-]+:\d{{12}}:secret:[\w/+=.@-]+",
        "write a name such as database-password, the path of a parameter such as /pay/database, or the ARN of a secret",
    ),
]


class ServiceTable(Table):
    """`[services.<name>]`, and per environment `[environments.<name>.services.<service>]`, which wins key by key."""

    image: Digest = Field(
        default=BOOTSTRAP_IMAGE,
        description="Image of the first deployment, by digest; the pipeline decides every later one",
    )
    port: Annotated[int, Field(ge=1024, le=65535)] = Field(
        default=8080, description="Port that the container listens on; below 1024 needs root, which it is not"
    )
    cpu: CpuUnits = Field(default=256, description="CPU units of one task; 1024 are one vCPU")
    memory: int = Field(default=512, description="Memory of one task in MiB; Fargate fixes the pairs with `cpu`")
    desired_count: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="Number of tasks; `autoscaling` decides it where there is one"
    )
    path_pattern: PathPattern = Field(
        default="/*", description="Requests that the shared load balancer sends to this service"
    )
    priority: Annotated[int, Field(ge=1, le=50000)] = Field(
        default=100,
        description="Order of the listener rule among the services of an environment, lowest first",
    )
    environment: dict[VariableName, str] = Field(
        default={}, description="Environment variables of the container; never secrets"
    )
    secrets: dict[VariableName, SecretSource] = Field(
        default={},
        description="Environment variables that are secrets: a name (the secret is made here, `make secret` sets it),"
        " a Parameter Store path, or the ARN of a secret",
    )
    architecture: Architecture = Field(default="x86_64", description="Processors of build and tasks")
    egress: dict[IpRange, Ports] = Field(
        default={"0.0.0.0/0": (443,)}, description="Where tasks may connect to: ports by IPv4 range"
    )
    backend_tls: bool = Field(
        default=False,
        description="TLS from the load balancer to the task, which then serves it on `port`; decide it at the start",
    )
    audited_exec: bool = Field(
        default=False, description="`aws ecs execute-command`, each session encrypted and recorded"
    )
    health_check: HealthCheckTable = Field(
        default={}, validate_default=True, description="How the load balancer asks a task whether it is well"
    )
    rollout: Rollout = Field(
        default="rolling",
        description="How a release replaces the one before: task by task, all at once after a test, in steps, or part"
        " of it first",
    )
    circuit_breaker: bool | None = Field(
        default=None,
        description="Give up on a release whose tasks do not start; ECS has it for `rolling` only, where it is on",
    )
    rollback_on_alarm: bool = Field(
        default=False, description="Take a release back when an alarm on its answers goes off while it is deployed"
    )
    bake_minutes: Minutes = Field(
        default=5, description="How long a release is watched before the one before it is ended, in minutes"
    )
    canary: CanaryTable = Field(default={}, validate_default=True, description="How a canary begins")
    linear: LinearTable = Field(default={}, validate_default=True, description="The steps of a linear shift")
    hooks: tuple[HookName, ...] = Field(
        default=(),
        strict=False,
        description="What must agree before requests move: `verify-image` looks at the image, `smoke` asks the new"
        " release through the test listener",
    )
    probes: dict[UrlPath, Annotated[int, Field(ge=100, le=599)]] = Field(
        default={}, description="What `smoke` asks: the status of each path; default: the health check's answers 200"
    )
    autoscaling: AutoscalingTable | None = Field(
        default=None, description="How the number of tasks moves; without it, `desired_count` is fixed"
    )
    alarms: AlarmsTable = Field(default={}, validate_default=True, description="From what on a service is not well")
    source: Source = Field(
        default="s3", description="Where releases come from: `s3` (`make release`) or `github` (a connection)"
    )
    path: FolderPath | None = Field(default=None, description="Folder of the service in a monorepo")
    checks: dict[Word, CheckTable] = Field(
        default={}, description="What looks at every release before the gate; one to five, by name"
    )
    build: BuildTable = Field(
        default={}, validate_default=True, description="How the image is made, and what is noted of it"
    )
    smoke: tuple[ShellCommand, ...] = Field(
        default=('python3 smoke/smoke.py "$SERVICE_URL"',),
        strict=False,
        min_length=1,
        description="Commands, run in the source's folder, that test a deployed release at `$SERVICE_URL`",
    )
    integration: tuple[ShellCommand, ...] = Field(
        default=(),
        strict=False,
        description="Commands that test it further after `smoke`, in the same stage and at the same address",
    )
    github: GithubTable = Field(default={}, validate_default=True, description="The service's repository on GitHub")

    @property
    def is_progressive(self) -> bool:
        """Whether two releases run side by side while requests shift between them."""
        return self.rollout != "rolling"

    @property
    def has_circuit_breaker(self) -> bool:
        """Whether ECS gives up on a release whose tasks do not start; the default is yes wherever ECS offers it."""
        return not self.is_progressive if self.circuit_breaker is None else self.circuit_breaker

    @property
    def total_bake_minutes(self) -> int:
        """The bake times of one deployment added up as CloudFormation adds them; the deployment itself takes longer."""
        match self.rollout:
            case "canary":
                return self.bake_minutes + self.canary.bake_minutes
            case "linear":
                return self.bake_minutes + self.linear.bake_minutes * self.linear.waits
            case "blue-green":
                return self.bake_minutes
            case _:
                return self.bake_minutes if self.rollback_on_alarm else 0
