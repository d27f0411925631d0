"""The tables of `templates/environments.toml` as models: what a user may write, with its type, default and meaning.

Models only: what a value may look like is `config_values`, reading the file is `loading`, what tables must agree on
among themselves is `consistency`, and what layers get is `environment`. Every field has a description, because
`docs/configuration.md` is generated from them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from cicd_templates.config.fields import (
    Account,
    Branch,
    CertificateArn,
    Command,
    ConnectionArn,
    Digest,
    Domain,
    Email,
    FolderPath,
    OutputName,
    PatchPath,
    PathPattern,
    PolicyArn,
    Profile,
    ProjectName,
    Reason,
    Region,
    Repository,
    RoleArn,
    RolePath,
    SecretSource,
    Suffix,
    TagKey,
    TagText,
    UrlPath,
    VariableName,
    Word,
    Zone,
)
from cicd_templates.config.service_tables import (
    AlarmsTable,
    AutoscalingTable,
    CanaryTable,
    HealthCheckTable,
    LinearTable,
)
from cicd_templates.config.types import (
    BOOTSTRAP_IMAGE,
    Architecture,
    CpuUnits,
    Endpoints,
    Hook,
    IpRange,
    Kind,
    Minutes,
    Nat,
    Ports,
    Preset,
    Protection,
    ReportFormat,
    RetentionDays,
    Rollout,
    Source,
    Table,
    TimeZone,
    VpcRange,
    Window,
)


class ProjectTable(Table):
    """`[project]`: what every environment shares."""

    name: ProjectName = Field(description="First word of every physical name and parameter path")
    owner: TagText = Field(description="Tag `Owner` of every resource: the team to ask")
    cost_center: TagText = Field(description="Tag `CostCenter` of every resource")
    tags: dict[TagKey, TagText] = Field(default={}, description="Further tags of every resource")
    new_regions: tuple[Region, ...] = Field(
        default=(),
        strict=False,
        description="Regions of AWS that are newer than this version, to be taken all the same",
    )


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
    enhanced_scanning: bool = Field(
        default=False,
        description="Let Amazon Inspector scan our images, again and again; it sets the whole registry of the tools"
        " account, so a copy made by a suffix leaves it alone",
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

    repository: Repository = Field(
        default="octocat/Hello-World", description="`owner/name`; the default is a placeholder"
    )
    branch: Branch = Field(default="main", description="Branch that is released")
    connection_arn: ConnectionArn | None = Field(
        default=None, description="CodeConnections connection, made and accepted in the console"
    )
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
    hooks: tuple[Hook, ...] = Field(
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
    smoke: tuple[Command, ...] = Field(
        default=('python3 smoke/smoke.py "$SERVICE_URL"',),
        strict=False,
        min_length=1,
        description="Commands, run in the source's folder, that test a deployed release at `$SERVICE_URL`",
    )
    integration: tuple[Command, ...] = Field(
        default=(),
        strict=False,
        description="Commands that test it further after `smoke`, in the same stage and at the same address",
    )
    github: GithubTable = Field(default={}, validate_default=True, description="The service's repository on GitHub")


class PatchTable(Table):
    """`[environments.<name>.patch."<stack>"]`: values set on a finished template, by quoted path, each a table."""

    value: Any = Field(
        description='What stands there then, in CloudFormation\'s long form; `{ Ref = "AWS::NoValue" }` removes'
    )
    because: Reason = Field(
        description="Why, as a reviewer reads it in the template and in REVIEW.md; at least ten characters"
    )
    add: bool = Field(default=False, description="Nothing stands there yet; otherwise something has to")


class EnvironmentTable(Table):
    """`[environments.<name>]`: an account, a region and how much is at stake there."""

    kind: Kind = Field(description="`tools`: where the pipeline lives; `runtime`: where services run")
    account: Account = Field(description="AWS account id: a string of 12 digits")
    region: Region = Field(description="AWS region")
    protection: Protection = Field(
        description="`protected`: data outlives its stack; `disposable`: destroy empties and deletes it"
    )
    log_retention_days: RetentionDays = Field(description="Days that CloudWatch keeps log events")
    profile: Profile | None = Field(
        default=None, description="AWS profile that deploys here; default: boto3's own chain"
    )
    role_arn: RoleArn | None = Field(
        default=None, description="Role that the deployer assumes here, from the profile or the default chain"
    )
    suffix: Suffix | None = Field(
        default=None, description="Sets this environment's names apart from a copy's in the same account"
    )
    permissions_boundary: PolicyArn | None = Field(default=None, description="ARN of the policy that bounds every role")
    role_path: RolePath = Field(default="/", description="IAM path of every role; begins and ends with `/`")
    cidr: VpcRange | None = Field(
        default=None,
        description="IPv4 range of the VPC, a private one from /16 to /24; runtime environments need it",
    )
    zones: tuple[Zone, ...] = Field(
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
    certificate_arn: CertificateArn | None = Field(default=None, description="ACM certificate of the load balancer")
    domain: Domain | None = Field(
        default=None,
        description="Host name that the certificate is for; its DNS record, to the load balancer, is yours to make",
    )
    deployment_window: Window | None = Field(
        default=None,
        description="When releases may enter, as six cron fields, such as `* * 9-16 ? * MON-THU`; default: always",
    )
    time_zone: TimeZone = Field(
        default="UTC", description="Time zone of the deployment window, such as `Europe/Berlin`"
    )
    allow_http: bool = Field(
        default=False, description="Serve plain HTTP for want of a certificate; disposable environments only"
    )
    stakeholders: StakeholdersTable = Field(
        default={}, validate_default=True, description="E-mail addresses per stakeholder group"
    )
    provided: dict[OutputName, str] = Field(
        default={},
        description="Values that exist already, by `layer.Output`; a layer provided in full is not rendered",
    )
    patch: dict[str, dict[PatchPath, PatchTable]] = Field(
        default={},
        description="Changes of finished templates, by stack (its file's stem) and path in quotes, such as"
        ' `"Resources.Vpc.Properties.CidrBlock"`; a path that matches nothing is an error',
    )


RETENTION_DAYS: tuple[int, ...] = get_args(RetentionDays)
