"""Field types of an environment's network: address range, zones, NAT, endpoints, certificate and domain."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from cicd_templates.config.tables.field_types import REGION, matching

Nat = Literal["none", "single", "per-zone"]
Endpoints = Literal["gateway", "all"]


def _ip_range(value: str) -> str:
    try:
        IPv4Network(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is not an IPv4 range such as 10.20.0.0/16: {error}") from None
    return value


def _vpc_range(value: str) -> str:
    network = IPv4Network(_ip_range(value))
    if not network.is_private:
        raise ValueError(f"{value!r} is a public range; use a private one, such as 10.20.0.0/16")
    # The network layer divides the range into sixteen subnets, and AWS allows no subnet smaller than /28.
    if not 16 <= network.prefixlen <= 24:
        raise ValueError(f"{value!r} has the prefix /{network.prefixlen}; use a prefix from /16 to /24")
    return value


VpcRange = Annotated[str, AfterValidator(_vpc_range)]
IpRange = Annotated[str, AfterValidator(_ip_range)]
Ports = Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], Field(strict=False, min_length=1)]
ZoneName = Annotated[str, matching(rf"{REGION}[a-z]", "write an availability zone, such as eu-central-1a")]
CertificateArn = Annotated[
    str,
    matching(
        r"arn:[\w-]+:acm:[\w-]+:\d{12}:certificate/[\w-]+",
        "write a certificate's ARN, such as arn:aws:acm:eu-central-1:222222222222:certificate/0123-abcd",
    ),
]
CopyDomain = Annotated[
    str,
    matching(
        r"(?=.*\{suffix\})([a-z0-9{}-]+\.)+[a-z]{2,}",
        "write a host name with {suffix} in it, such as {suffix}.staging.example.com",
    ),
]
Domain = Annotated[
    str, matching(r"[a-z0-9-]+(\.[a-z0-9-]+)+", "write a host name in lower case, such as pay.example.com", 253)
]
