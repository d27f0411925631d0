"""Describes the partitions of AWS, with their regions and host names.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple


class Partition(NamedTuple):
    """A partition of AWS, such as `aws-cn`.

    - `name` is the partition's name in ARNs.
    - `region_prefix` is the beginning of the names of the partition's regions.
    - `dns_suffix` is the end of the partition's host names.
    - `console` is the host of the console without the region. It is empty if the host is not known.
    - `services_with_cn_endpoints` are the services whose VPC endpoint names begin with `cn`.
    """

    name: str
    region_prefix: str
    dns_suffix: str
    console: str = ""
    services_with_cn_endpoints: frozenset[str] = frozenset()


AWS = Partition("aws", "", "amazonaws.com", "console.aws.amazon.com")
OTHER_PARTITIONS = (
    # Only some services have such endpoints: `aws ec2 describe-vpc-endpoint-services` lists them.
    Partition("aws-cn", "cn-", "amazonaws.com.cn", "console.amazonaws.cn", frozenset({"ecr.api", "ecr.dkr"})),
    Partition("aws-us-gov", "us-gov-", "amazonaws.com", "console.amazonaws-us-gov.com"),
    Partition("aws-iso", "us-iso-", "c2s.ic.gov"),
    Partition("aws-iso-b", "us-isob-", "sc2s.sgov.gov"),
    Partition("aws-iso-e", "eu-isoe-", "cloud.adc-e.uk"),
    Partition("aws-iso-f", "us-isof-", "csp.hci.ic.gov"),
    Partition("aws-eusc", "eusc-", "amazonaws.eu"),
)
_SUFFIXES = "|".join(sorted({re.escape(each.dns_suffix) for each in (AWS, *OTHER_PARTITIONS)}))
_SERVICE = re.compile(rf"(?:[\w.-]|\$\{{[\w:.]+\}})+\.(?:{_SUFFIXES}|\$\{{AWS::URLSuffix\}})")


def is_service_principal(principal: object) -> bool:
    """Return whether `principal`, which is a text or an `Fn::Sub`, is an AWS service in any partition."""
    text = principal.get("Fn::Sub") if isinstance(principal, Mapping) else principal
    text = next(iter(text), None) if isinstance(text, list) else text
    return isinstance(text, str) and _SERVICE.fullmatch(text) is not None


def partition_of(region: str) -> Partition:
    """Return the partition of a region. A region with an unknown prefix is in the commercial partition, `aws`."""
    return next((other for other in OTHER_PARTITIONS if region.startswith(other.region_prefix)), AWS)


def regional_hosts(service: str, region: str) -> list[str]:
    """Return the values that the condition key `kms:ViaService` can have for a service in a region.

    The documentation of AWS contradicts itself: its text says that host names end in `amazonaws.com`, but its examples
    for China end in `amazonaws.com.cn`. So the result has the host names with both suffixes: `amazonaws.com` and the
    suffix of the region's partition.
    """
    return sorted({f"{service}.{region}.{suffix}" for suffix in (AWS.dns_suffix, partition_of(region).dns_suffix)})


def logs_principal(region: str) -> str:
    """Return the service principal of CloudWatch Logs in a region, such as `logs.eu-west-1.amazonaws.com`."""
    return f"logs.{region}.{partition_of(region).dns_suffix}"


def endpoint_service(service: str, region: str) -> str:
    """Return the `ServiceName` of a VPC endpoint for `service` in a region, such as `com.amazonaws.eu-west-1.logs`."""
    begin = "cn.com.amazonaws" if service in partition_of(region).services_with_cn_endpoints else "com.amazonaws"
    return f"{begin}.{region}.{service}"


def console_address(region: str) -> str:
    """Return the address of the AWS console in a region, without a final slash."""
    return f"https://{region}.{partition_of(region).console}"


def pipeline_page(region: str, pipeline: str) -> str:
    """Return the address of a pipeline in the AWS console."""
    return f"{console_address(region)}/codesuite/codepipeline/pipelines/{pipeline}/view?region={region}"


def object_url(region: str, bucket: str, key: str) -> str:
    """Return the HTTPS address of an object in S3. Its bucket is in `region`."""
    return f"https://{bucket}.s3.{region}.{partition_of(region).dns_suffix}/{key}"
