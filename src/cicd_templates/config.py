"""The tables of `templates/environments.toml` as models: what a user may write, with its type, default and meaning.

Models only: reading the file is `loading`, what tables must agree on among themselves is `consistency`, and what layers
get is `environment`. Every field has a description, because `docs/configuration.md` is generated from them.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# PutRetentionPolicy accepts these numbers of days and no others:
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]

Kind = Literal["tools", "runtime"]
Protection = Literal["protected", "disposable"]
Nat = Literal["none", "single", "per-zone"]
Endpoints = Literal["gateway", "all"]

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

# A format that the scan gate reads; presets have theirs.
ReportFormat = Literal[
    "bandit",
    "cyclonedx",
    "detect-secrets",
    "grype",
    "junit",
    "pip-audit",
    "safety",
    "sarif",
    "semgrep",
    "snyk",
    "trivy",
]
Preset = Literal["bandit", "safety", "secrets", "snyk", "unit-tests"]
Source = Literal["s3", "github"]

Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
TagText = Annotated[str, Field(pattern=r"^[A-Za-z0-9 _.:/=+@-]+$", max_length=256)]
TagKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/=+@-]+$", max_length=128)]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Digest = Annotated[str, Field(pattern=r"^[a-z0-9.-]+(:\d+)?/[\w./-]+@sha256:[0-9a-f]{64}$")]
Command = Annotated[str, Field(min_length=1)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]
# Below the source: neither absolute nor upwards.
FolderPath = Annotated[str, Field(pattern=r"^(\.|\w[\w-]*(\.[\w-]+)*(/\w[\w-]*(\.[\w-]+)*)*)$")]


def _vpc_network(text: str) -> str:
    network = IPv4Network(text)
    if not network.is_private:
        raise ValueError(f"{text} is a public range; a VPC takes a private one, such as 10.20.0.0/16")
    # Sixteen subnets are cut from it and AWS has no subnet smaller than /28.
    if not 16 <= network.prefixlen <= 24:
        raise ValueError(f"/{network.prefixlen} does not fit; use a prefix from /16 to /24")
    return text


# Fields of a deployment window after the seconds, which take `*` alone:
# https://docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference-DeploymentWindow.html
_NUMBER_OR_NAME = r"(\d+|[A-Z]{3})"
_CRON_PART = rf"(\*|{_NUMBER_OR_NAME}(-{_NUMBER_OR_NAME})?)(/\d+)?"
_CRON_FIELD = re.compile(rf"{_CRON_PART}(,{_CRON_PART})*")
_CRON_DAY = re.compile(rf"{_CRON_PART}(,{_CRON_PART})*|\?|L(-\d+)?W?|\d+[LW]|\d+#\d|[A-Z]{{3}}L")
_CRON_LIMITS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 1, 7))


def _window(text: str) -> str:
    fields = text.split()
    if len(fields) not in (6, 7) or fields[0] != "*":
        raise ValueError(
            f"{text!r} is no window: write seconds (always *), minute, hour, day of month, month and day of week,"
            ' such as "* * 9-16 ? * MON-THU"'
        )
    for value, (name, lowest, highest) in zip(fields[1:], _CRON_LIMITS, strict=False):
        pattern = _CRON_DAY if name.startswith("day") else _CRON_FIELD
        numbers = [int(number) for number in re.findall(r"(?<![/#\d])\d+", value)]
        if not pattern.fullmatch(value) or any(not lowest <= number <= highest for number in numbers):
            raise ValueError(f"{text!r} is no window: its {name} is {value!r}")
    if (fields[3] == "?") == (fields[5] == "?"):
        raise ValueError(f"{text!r} is no window: exactly one of day of month and day of week is `?`")
    return text


def _time_zone(name: str) -> str:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError(f"{name!r} is not a time zone; write one such as Europe/Berlin or UTC") from None
    return name


# With these the longest name that nothing may shorten, a stack's (128), always fits.
ENVIRONMENT_NAME_LENGTH = 12
SERVICE_NAME_LENGTH = 24
SUFFIX_LENGTH = 10


class Table(BaseModel):
    """A TOML table: frozen, strict about types, and closed to keys that it does not know."""

    # Built when first used: a table within others is then built once, with them.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class ProjectTable(Table):
    """`[project]`: what every environment shares."""

    name: Annotated[Word, Field(max_length=16)] = Field(
        description="First word of every physical name and parameter path"
    )
    owner: TagText = Field(description="Tag `Owner` of every resource: the team to ask")
    cost_center: TagText = Field(description="Tag `CostCenter` of every resource")
    tags: dict[TagKey, TagText] = Field(default={}, description="Further tags of every resource")


class PipelineTable(Table):
    """`[pipeline]`: how a release moves."""

    path: tuple[Word, ...] = Field(
        default=("staging", "production"),
        strict=False,
        min_length=1,
        description="Runtime environments in the order in which a release reaches them",
    )
    verify_parallelism: Annotated[int, Field(ge=1, le=50)] = Field(
        default=5, description="Checks that run at once; a fresh account's CodeBuild quota can be 1"
    )
    approval_hours: Annotated[int, Field(ge=1, le=1440)] = Field(
        default=72, description="How long a release waits for its approval before the run fails, in hours"
    )
    reserve_concurrency: bool = Field(
        default=True,
        description="Cap each function's concurrency; a fresh account whose Lambda quota is 10 can reserve none",
    )


class StakeholdersTable(Table):
    """`[environments.<name>.stakeholders]`: who is told."""

    developers: tuple[Email, ...] = Field(
        default=(), strict=False, description="E-mail addresses told of failed and succeeded runs"
    )
    security: tuple[Email, ...] = Field(
        default=(), strict=False, description="E-mail addresses told of findings and overridden conditions"
    )
    operations: tuple[Email, ...] = Field(
        default=(), strict=False, description="E-mail addresses told of alarms and stuck runs"
    )
    approvers: tuple[Email, ...] = Field(
        default=(),
        strict=False,
        description="E-mail addresses asked to approve a release; a protected environment on the path needs one",
    )


class HealthCheckTable(Table):
    """`[services.<name>.health_check]`: how the load balancer asks a task whether it is well."""

    path: Annotated[str, Field(pattern=r"^/[\w./-]*$")] = Field(
        default="/health", description="Path that answers 200 when the task can serve"
    )
    grace_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=120, description="How long a new task may fail the check, in seconds"
    )
    interval_seconds: Annotated[int, Field(ge=6, le=300)] = Field(
        default=15, description="Time between two checks, in seconds"
    )
    healthy_threshold: Annotated[int, Field(ge=2, le=10)] = Field(
        default=2, description="Passed checks in a row that make a task healthy"
    )
    unhealthy_threshold: Annotated[int, Field(ge=2, le=10)] = Field(
        default=5, description="Failed checks in a row that make a task unhealthy"
    )


class CheckTable(Table):
    """`[services.<name>.checks.<check>]`: a tool that reports on the source; only the gate decides."""

    preset: Preset | None = Field(default=None, description="A known check; every other key then changes it")
    image: Digest | None = Field(default=None, description="Image that the check runs in, by digest")
    install: tuple[Command, ...] = Field(default=(), strict=False, description="Commands that install the tool")
    version: Command | None = Field(default=None, description="Command that prints the version of the tool")
    commands: tuple[Command, ...] = Field(
        default=(), strict=False, description="Commands of the check; they write to `$REPORT`, in the source's folder"
    )
    format: ReportFormat | None = Field(default=None, description="What the report is written in")
    secrets: dict[VariableName, Word] = Field(
        default={}, description="Variables of the check that are secrets, by the secret's name (`make secret`)"
    )
    timeout_minutes: Annotated[int, Field(ge=5, le=60)] | None = Field(
        default=None, description="Minutes after which the check is ended; default 10"
    )


class BuildTable(Table):
    """`[services.<name>.build]`: how the image is made, and what is noted of it."""

    dockerfile: FolderPath = Field(default="Dockerfile", description="Dockerfile, relative to the source")
    context: FolderPath = Field(default=".", description="Folder that is built, relative to the source")
    sbom: tuple[Command, ...] = Field(
        default=("cyclonedx-py requirements requirements.txt --output-format JSON --output-file $SBOM",),
        strict=False,
        min_length=1,
        description="Commands that write a CycloneDX bill of materials to `$SBOM`",
    )
    timeout_minutes: Annotated[int, Field(ge=5, le=60)] = Field(
        default=15, description="Minutes after which the build is ended"
    )
    scan_severities: tuple[Literal["CRITICAL", "HIGH", "MEDIUM", "LOW"], ...] = Field(
        default=("CRITICAL", "HIGH"),
        strict=False,
        min_length=1,
        description="Findings of the registry's image scan that stop a release",
    )


class GithubTable(Table):
    """`[services.<name>.github]`: the repository of a service, for `source = "github"` or for releases from Actions."""

    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] = Field(
        default="octocat/Hello-World", description="`owner/name`; the default is a placeholder"
    )
    branch: Annotated[str, Field(pattern=r"^[\w./-]+$", max_length=255)] = Field(
        default="main", description="Branch that is released"
    )
    connection_arn: (
        Annotated[str, Field(pattern=r"^arn:[\w-]+:(codeconnections|codestar-connections):[\w-]+:\d{12}:connection/")]
        | None
    ) = Field(default=None, description="CodeConnections connection, made and accepted in the console")
    trigger: bool = Field(default=False, description="Start a run at every push to the branch")
    releases: bool = Field(
        default=False, description="A role with which GitHub Actions may put a release, and do nothing else"
    )


PLACEHOLDER_REPOSITORY = "octocat/Hello-World"


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
    desired_count: Annotated[int, Field(ge=1, le=100)] = Field(default=1, description="Number of tasks")
    path_pattern: Annotated[str, Field(pattern=r"^/[A-Za-z0-9_*?./-]*$", max_length=128)] = Field(
        default="/*", description="Requests that the shared load balancer sends to this service"
    )
    priority: Annotated[int, Field(ge=1, le=50000)] = Field(
        default=100,
        description="Order of the listener rule among the services of an environment, lowest first",
    )
    environment: dict[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")], str] = Field(
        default={}, description="Environment variables of the container; never secrets"
    )
    health_check: HealthCheckTable = Field(
        default={}, validate_default=True, description="How the load balancer asks a task whether it is well"
    )
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
    smoke: tuple[Command, ...] = Field(
        default=('python3 smoke/smoke.py "$SERVICE_URL"',),
        strict=False,
        min_length=1,
        description="Commands, run in the source's folder, that test a deployed release at `$SERVICE_URL`",
    )
    github: GithubTable = Field(default={}, validate_default=True, description="The service's repository on GitHub")


class PatchTable(Table):
    """`[environments.<name>.patch."<stack>"]`: values set on a finished template, by quoted path, each a table."""

    value: Any = Field(
        description='What stands there then, in CloudFormation\'s long form; `{ Ref = "AWS::NoValue" }` removes'
    )
    because: Annotated[str, Field(min_length=10, pattern=r"^[^\n]+$")] = Field(
        description="Why, as a reviewer reads it in the template and in REVIEW.md; at least ten characters"
    )
    add: bool = Field(default=False, description="Nothing stands there yet; otherwise something has to")


PatchPath = Annotated[str, Field(pattern=r"^(Resources|Parameters|Outputs)\.\w+\..+$")]


class EnvironmentTable(Table):
    """`[environments.<name>]`: an account, a region and how much is at stake there."""

    kind: Kind = Field(description="`tools`: where the pipeline lives; `runtime`: where services run")
    account: Annotated[str, Field(pattern=r"^\d{12}$")] = Field(description="AWS account id: a string of 12 digits")
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] = Field(description="AWS region")
    protection: Protection = Field(
        description="`protected`: data outlives its stack; `disposable`: destroy empties and deletes it"
    )
    log_retention_days: RetentionDays = Field(description="Days that CloudWatch keeps log events")
    profile: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="AWS profile that deploys here; default: boto3's own chain"
    )
    role_arn: Annotated[str, Field(pattern=r"^arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+$")] | None = Field(
        default=None, description="Role that the deployer assumes here, from the profile or the default chain"
    )
    suffix: Annotated[Word, Field(max_length=SUFFIX_LENGTH)] | None = Field(
        default=None, description="Sets this environment's names apart from a copy's in the same account"
    )
    permissions_boundary: (
        Annotated[str, Field(pattern=r"^arn:[\w-]+:iam::(\d{12}|aws):policy/[\w+=,.@/-]+$")] | None
    ) = Field(default=None, description="ARN of the policy that bounds every role")
    role_path: Annotated[str, Field(pattern=r"^/([\w+=,.@-]+/)*$", max_length=512)] = Field(
        default="/", description="IAM path of every role; begins and ends with `/`"
    )
    cidr: Annotated[str, AfterValidator(_vpc_network)] | None = Field(
        default=None,
        description="IPv4 range of the VPC, a private one from /16 to /24; runtime environments need it",
    )
    zones: tuple[Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d[a-z]$")], ...] = Field(
        default=(),
        strict=False,
        max_length=4,
        description="Availability zones of the VPC: two to four, of the region",
    )
    nat: Nat = Field(
        default="single",
        description="NAT gateways: `none`, `single` (one for all zones) or `per-zone`",
    )
    endpoints: Endpoints = Field(
        default="gateway",
        description="VPC endpoints: `gateway` (S3, free) or `all` (also ECR, Logs, KMS, Secrets Manager, SSM)",
    )
    certificate_arn: Annotated[str, Field(pattern=r"^arn:[\w-]+:acm:[\w-]+:\d{12}:certificate/[\w-]+$")] | None = Field(
        default=None, description="ACM certificate of the load balancer"
    )
    domain: Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", max_length=253)] | None = Field(
        default=None,
        description="Host name that the certificate is for; its DNS record, to the load balancer, is yours to make",
    )
    deployment_window: Annotated[str, AfterValidator(_window)] | None = Field(
        default=None,
        description="When releases may enter, as six cron fields, such as `* * 9-16 ? * MON-THU`; default: always",
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        default="UTC", description="Time zone of the deployment window, such as `Europe/Berlin`"
    )
    allow_http: bool = Field(
        default=False, description="Serve plain HTTP for want of a certificate; disposable environments only"
    )
    stakeholders: StakeholdersTable = Field(
        default={}, validate_default=True, description="E-mail addresses per stakeholder group"
    )
    provided: dict[Annotated[str, Field(pattern=r"^[a-z_]+\.[A-Z][A-Za-z0-9]*$")], str] = Field(
        default={},
        description="Values that exist already, by `layer.Output`; a layer provided in full is not rendered",
    )
    patch: dict[str, dict[PatchPath, PatchTable]] = Field(
        default={},
        description="Changes of finished templates, by stack (its file's stem) and path in quotes, such as"
        ' `"Resources.Vpc.Properties.CidrBlock"`; a path that matches nothing is an error',
    )


RETENTION_DAYS: tuple[int, ...] = get_args(RetentionDays)
