"""The partitions of AWS, with the regions and the DNS suffix of each.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Partition:
    """A partition: `name` as ARNs spell it, the beginning of its regions' names, and its `dns_suffix`."""

    name: str
    region_prefix: str
    dns_suffix: str


AWS = Partition("aws", "", "amazonaws.com")
OTHER_PARTITIONS = (
    Partition("aws-cn", "cn-", "amazonaws.com.cn"),
    Partition("aws-us-gov", "us-gov-", "amazonaws.com"),
    Partition("aws-iso", "us-iso-", "c2s.ic.gov"),
    Partition("aws-iso-b", "us-isob-", "sc2s.sgov.gov"),
    Partition("aws-iso-e", "eu-isoe-", "cloud.adc-e.uk"),
    Partition("aws-iso-f", "us-isof-", "csp.hci.ic.gov"),
    Partition("aws-eusc", "eusc-", "amazonaws.eu"),
)


def partition_of(region: str) -> Partition:
    """Return the partition of a region; the commercial one unless a prefix of another matches."""
    return next((other for other in OTHER_PARTITIONS if region.startswith(other.region_prefix)), AWS)
