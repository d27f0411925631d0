"""The table `[environments.<name>]`: an account and a region, with protection, network and deployment window."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from cicd_templates.config.tables.certificate_field_types import Authority
from cicd_templates.config.tables.cron_field_types import Window
from cicd_templates.config.tables.field_types import SUFFIX_LENGTH, Region, matching, name_part
from cicd_templates.config.tables.network_field_types import (
    CertificateArn,
    CopyDomain,
    Domain,
    Endpoints,
    Nat,
    VpcRange,
    ZoneName,
)
from cicd_templates.config.tables.patch import PatchPath, PatchTable
from cicd_templates.config.tables.stakeholders import StakeholdersTable
from cicd_templates.config.tables.table import Table

EnvironmentKind = Literal["tools", "runtime"]
Protection = Literal["protected", "disposable"]
# PutRetentionPolicy accepts only these numbers of days:
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
RETENTION_DAYS: tuple[int, ...] = get_args(RetentionDays)
AccountId = Annotated[
    str, matching(r"\d{12}", 'write the AWS account id as 12 digits in quotes, such as "111111111111"')
]
Suffix = Annotated[str, name_part(SUFFIX_LENGTH)]
Profile = Annotated[str, matching(r".+", "write the name of a profile in the AWS configuration")]
DeployerRoleArn = Annotated[
    str,
    matching(
        r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+",
        "write a role's ARN, such as arn:aws:iam::111111111111:role/deployer",
    ),
]
# The characters and lengths that AssumeRole accepts:
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
ExternalId = Annotated[
    str,
    matching(
        r"[\w+=,.@:/-]{2,1224}",
        "write the external ID of the trust policy: 2 to 1224 letters, digits and _ + = , . @ : / -",
    ),
]
SessionName = Annotated[
    str, matching(r"(?!aws:)[\w+=,.@-]{2,64}", "write 2 to 64 letters, digits and _ + = , . @ -, such as release-team")
]
PolicyArn = Annotated[
    str,
    matching(
        r"arn:[\w-]+:iam::(\d{12}|aws):policy/[\w+=,.@/-]+",
        "write a policy's ARN, such as arn:aws:iam::111111111111:policy/boundary",
    ),
]
RolePath = Annotated[
    str,
    matching(
        r"/([\w+=,.@-]+/)*",
        "write a path that begins and ends with /, such as /delivery/, and has only letters, digits and _ + = , . @ -",
        512,
    ),
]
OutputName = Annotated[
    str, matching(r"[a-z_]+\.[A-Z][A-Za-z0-9]*", "write the name of a layer's output, such as network.VpcId")
]


def _provided_value(value: str) -> str:
    if "arn:" in value and set(value) & set("*?"):
        raise ValueError(f"{value!r} has a wildcard; write the complete ARN of one resource")
    return value


ProvidedValue = Annotated[str, AfterValidator(_provided_value)]


def _time_zone(name: str) -> str:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError(f"{name!r} is not a time zone; use a name such as Europe/Berlin or UTC") from None
    return name


TimeZone = Annotated[str, AfterValidator(_time_zone)]


class EnvironmentTable(Table):
    """`[environments.<name>]`: an account, a region, and what is deployed there."""

    kind: EnvironmentKind = Field(
        description="`tools`: the environment with the pipelines; `runtime`: an environment in which services run"
    )
    account: AccountId = Field(description="AWS account id, a string of 12 digits")
    region: Region = Field(description="AWS region; the environments of one pipeline share it")
    protection: Protection = Field(
        description="`protected`: data remains when its stack is deleted; `disposable`: `make destroy` deletes the data"
    )
    log_retention_days: RetentionDays = Field(
        description="Days for which CloudWatch keeps log events; in a protected environment at least 365"
    )
    profile: Profile | None = Field(
        default=None, description="AWS profile to deploy with; default: boto3's credential chain"
    )
    role_arn: DeployerRoleArn | None = Field(
        default=None,
        description="Role that the deployer assumes with the credentials of the profile or of the default chain",
    )
    external_id: ExternalId | None = Field(
        default=None, description="External id that the trust policy of `role_arn` requires"
    )
    role_session_name: SessionName | None = Field(
        default=None,
        description="Name of the deployer's session with `role_arn`; CloudTrail records this name; default:"
        " `cicd-templates`",
    )
    source_identity: SessionName | None = Field(
        default=None,
        description="Source identity for sessions of `role_arn`. CloudTrail records it for these sessions and for all"
        " sessions that start from them. The trust policy must allow `sts:SetSourceIdentity`",
    )
    allow_endpoint_urls: bool = Field(
        default=False,
        description="Permit `AWS_ENDPOINT_URL*` and the AWS profile to set other addresses of AWS services; by default,"
        " such settings are refused",
    )
    pull_requests: bool = Field(
        default=False,
        description="Create a role for workflows of pull requests in the `repository` of the project; the role can"
        " preview changes and read the stacks of this environment, but cannot execute a change",
    )
    suffix: Suffix | None = Field(
        default=None,
        description="Suffix of all names in the environment, so that copies of the environment can be in one account",
    )
    permissions_boundary: PolicyArn | None = Field(
        default=None, description="ARN of the permissions boundary of every role"
    )
    role_path: RolePath = Field(default="/", description="IAM path of every role; begins and ends with `/`")
    cidr: VpcRange | None = Field(
        default=None,
        description="Private IPv4 range of the VPC, from /16 to /24; required in runtime environments, except"
        " with a `provided` network",
    )
    zones: tuple[ZoneName, ...] = Field(
        default=(),
        strict=False,
        max_length=4,
        description="Availability zones of the VPC: two to four zones of the region; not needed with a"
        " `provided` network",
    )
    nat: Nat = Field(
        default="single",
        description="NAT gateways: `none`, `single` (one for all zones) or `per-zone`",
    )
    endpoints: Endpoints = Field(
        default="gateway",
        description="VPC endpoints: `gateway` (S3, free) or `all` (also ECR, Logs, KMS, Secrets Manager, SSM, and "
        'SSM messages with `audited_exec`); `nat = "none"` needs `all`',
    )
    certificate_arn: CertificateArn | None = Field(default=None, description="ACM certificate of the load balancer")
    domain: Domain | None = Field(
        default=None,
        description="Host name that the certificate covers; create the DNS record from this name to the load balancer"
        " yourself",
    )
    copy_domain: CopyDomain | None = Field(
        default=None,
        description="Host name of a copy of the environment (made with `SUFFIX=`), such as"
        " `{suffix}.staging.example.com`. The certificate must cover this name. Without `copy_domain`, clients use the"
        " name of the copy's load balancer, and cannot verify the certificate",
    )
    certificate_authority: Authority | None = Field(
        default=None,
        description="PEM certificates of the authority that issued `certificate_arn`; the hook `smoke` then trusts only"
        " this authority; default: the public authorities",
    )
    deployment_window: Window | None = Field(
        default=None,
        description="Times at which a release may enter the environment, as six or seven cron fields, such as `* * 9-16"
        " ? * MON-THU`; default:"
        " always",
    )
    time_zone: TimeZone = Field(
        default="UTC", description="Time zone of the deployment window, such as `Europe/Berlin`"
    )
    allow_http: bool = Field(
        default=False, description="Serve plain HTTP instead of TLS; in disposable environments only"
    )
    stakeholders: StakeholdersTable = Field(
        default={}, validate_default=True, description="E-mail addresses of each stakeholder group"
    )
    provided: dict[OutputName, ProvidedValue] = Field(
        default={},
        description="Existing values that replace a layer's outputs, keyed by `layer.Output`; a layer is not rendered"
        " if all its outputs are replaced",
    )
    patch: dict[str, dict[PatchPath, PatchTable]] = Field(
        default={},
        description="Changes to rendered templates, in one table for each changed template. Name the table after the"
        " template's file, without the extension. Each key in the table is a quoted path in the template, such as"
        ' `"Resources.Vpc.Properties.CidrBlock"`; a path that matches nothing is an error',
    )
