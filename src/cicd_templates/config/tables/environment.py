"""The table `[environments.<name>]`: an account, a region, their protection, network and rollout window."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from cicd_templates.config.tables.cron import Window
from cicd_templates.config.tables.fields import SUFFIX_LENGTH, Region, text, word
from cicd_templates.config.tables.network import CertificateArn, Domain, Endpoints, Nat, VpcRange, ZoneName
from cicd_templates.config.tables.patch import PatchPath, PatchTable
from cicd_templates.config.tables.stakeholders import StakeholdersTable
from cicd_templates.config.tables.table import Table

EnvironmentKind = Literal["tools", "runtime"]
Protection = Literal["protected", "disposable"]
# PutRetentionPolicy accepts these numbers of days and no others:
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
RETENTION_DAYS: tuple[int, ...] = get_args(RetentionDays)
AccountId = Annotated[str, text(r"\d{12}", 'write the 12 digits of an AWS account in quotes, such as "111111111111"')]
Suffix = Annotated[str, word(SUFFIX_LENGTH)]
Profile = Annotated[str, text(r".+", "name a profile of the AWS configuration")]
DeployerRoleArn = Annotated[
    str,
    text(
        r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+",
        "write a role's ARN, such as arn:aws:iam::111111111111:role/deployer",
    ),
]
PolicyArn = Annotated[
    str,
    text(
        r"arn:[\w-]+:iam::(\d{12}|aws):policy/[\w+=,.@/-]+",
        "write a policy's ARN, such as arn:aws:iam::111111111111:policy/boundary",
    ),
]
RolePath = Annotated[
    str,
    text(r"/([\w+=,.@-]+/)*", "begin and end it with /, such as /delivery/, of letters, digits and + = , . @ -", 512),
]
OutputName = Annotated[str, text(r"[a-z_]+\.[A-Z][A-Za-z0-9]*", "write a layer's output, such as network.VpcId")]


def _time_zone(name: str) -> str:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError(f"{name!r} is not a time zone; write one such as Europe/Berlin or UTC") from None
    return name


TimeZone = Annotated[str, AfterValidator(_time_zone)]


class EnvironmentTable(Table):
    """`[environments.<name>]`: an account, a region and how much is at stake there."""

    kind: EnvironmentKind = Field(description="`tools`: where the pipeline lives; `runtime`: where services run")
    account: AccountId = Field(description="AWS account id: a string of 12 digits")
    region: Region = Field(description="AWS region")
    protection: Protection = Field(
        description="`protected`: data outlives its stack; `disposable`: destroy empties and deletes it"
    )
    log_retention_days: RetentionDays = Field(description="Days that CloudWatch keeps log events")
    profile: Profile | None = Field(
        default=None, description="AWS profile that deploys here; default: boto3's own chain"
    )
    role_arn: DeployerRoleArn | None = Field(
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
    zones: tuple[ZoneName, ...] = Field(
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
