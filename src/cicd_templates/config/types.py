"""The kinds of values that the tables of `templates/environments.toml` hold, and what all tables have in common."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Annotated, Literal

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
# ECS's own deployment strategies, in its words with a hyphen:
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
Rollout = Literal["rolling", "blue-green", "linear", "canary"]
Hook = Literal["verify-image", "smoke"]
Architecture = Literal["x86_64", "arm64"]
Minutes = Annotated[int, Field(ge=0, le=1440)]
Percent = Annotated[int, Field(ge=1, le=100)]
Ports = Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], Field(strict=False, min_length=1)]


def _vpc_network(text: str) -> str:
    network = IPv4Network(text)
    if not network.is_private:
        raise ValueError(f"{text} is a public range; a VPC takes a private one, such as 10.20.0.0/16")
    # Sixteen subnets are cut from it and AWS has no subnet smaller than /28.
    if not 16 <= network.prefixlen <= 24:
        raise ValueError(f"/{network.prefixlen} does not fit; use a prefix from /16 to /24")
    return text


def _ip_range(text: str) -> str:
    try:
        IPv4Network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no IPv4 range: {error}") from None
    return text


# AWS's cron expressions, in Quartz's words:
# https://docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference-DeploymentWindow.html
_NUMBER_OR_NAME = r"(\d+|[A-Z]{3})"
_CRON_PART = rf"(\*|{_NUMBER_OR_NAME}(-{_NUMBER_OR_NAME})?)(/\d+)?"
_CRON_FIELD = re.compile(rf"{_CRON_PART}(,{_CRON_PART})*")
_CRON_DAY = re.compile(rf"{_CRON_PART}(,{_CRON_PART})*|\?|L(-\d+)?W?|\d+[LW]|\d+#\d|[A-Z]{{3}}L")
_CRON_LIMITS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 1, 7))
_YEAR = ("year", 1970, 2199)


def _window(text: str) -> str:
    fields = text.split()
    if len(fields) not in (6, 7) or fields[0] != "*":
        raise ValueError(
            f"{text!r} is no window: write seconds (always *), minute, hour, day of month, month and day of week,"
            ' such as "* * 9-16 ? * MON-THU"'
        )
    return _cron(text, "window", fields[1:])


def _schedule(text: str) -> str:
    # https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
    fields = text.split()
    if len(fields) != 6:
        raise ValueError(
            f"{text!r} is no schedule: write minute, hour, day of month, month, day of week and year, such as"
            ' "0 7 ? * MON-FRI *"'
        )
    return _cron(text, "schedule", fields)


def _cron(text: str, what: str, fields: Sequence[str]) -> str:
    """`text` where `fields`, from the minute on, are what AWS takes."""
    for value, (name, lowest, highest) in zip(fields, (*_CRON_LIMITS, _YEAR), strict=False):
        pattern = _CRON_DAY if name.startswith("day") else _CRON_FIELD
        numbers = [int(number) for number in re.findall(r"(?<![/#\d])\d+", value)]
        if not pattern.fullmatch(value) or any(not lowest <= number <= highest for number in numbers):
            raise ValueError(f"{text!r} is no {what}: its {name} is {value!r}")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError(f"{text!r} is no {what}: exactly one of day of month and day of week is `?`")
    return text


def _time_zone(name: str) -> str:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError(f"{name!r} is not a time zone; write one such as Europe/Berlin or UTC") from None
    return name


VpcRange = Annotated[str, AfterValidator(_vpc_network)]
IpRange = Annotated[str, AfterValidator(_ip_range)]
Window = Annotated[str, AfterValidator(_window)]
Schedule = Annotated[str, AfterValidator(_schedule)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]


class Table(BaseModel):
    """A TOML table: frozen, strict about types, and closed to keys that it does not know."""

    # Built when first used: a table within others is then built once, with them.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)
