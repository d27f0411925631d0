"""The table of partitions agrees with botocore's endpoint data."""

from __future__ import annotations

import botocore.loaders
import pytest

from cicd_templates.template.partitions import (
    AWS,
    OTHER_PARTITIONS,
    console_address,
    endpoint_service,
    is_service_principal,
    logs_principal,
    partition_of,
    regional_hosts,
)

ENDPOINTS = botocore.loaders.create_loader().load_data("endpoints")["partitions"]
REGIONS = [(region, endpoints) for endpoints in ENDPOINTS for region in endpoints["regions"]]


@pytest.mark.parametrize(("region", "endpoints"), REGIONS, ids=[region for region, _ in REGIONS])
def test_every_region_is_in_the_partition_that_botocore_says(region: str, endpoints: dict[str, str]) -> None:
    partition = partition_of(region)

    assert (partition.name, partition.dns_suffix) == (endpoints["partition"], endpoints["dnsSuffix"])


def test_no_partition_is_missing_and_none_is_invented() -> None:
    assert {partition.name for partition in (AWS, *OTHER_PARTITIONS)} == {each["partition"] for each in ENDPOINTS}


def test_a_region_of_no_known_partition_is_taken_for_a_commercial_one() -> None:
    assert partition_of("mars-north-1") == AWS


@pytest.mark.parametrize("endpoints", ENDPOINTS, ids=[each["partition"] for each in ENDPOINTS])
def test_a_service_principal_ends_with_the_suffix_of_its_partition(endpoints: dict[str, str]) -> None:
    assert is_service_principal(f"logs.{endpoints['dnsSuffix']}")
    assert is_service_principal(f"states.some-region-1.{endpoints['dnsSuffix']}")
    assert not is_service_principal(endpoints["dnsSuffix"])


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("logs.${AWS::Region}.${AWS::URLSuffix}", True),
        ({"Fn::Sub": "logs.${AWS::Region}.amazonaws.com"}, True),
        ({"Fn::Sub": ["logs.${R}.amazonaws.com", {"R": "x"}]}, True),
        ({"Fn::GetAtt": ["A", "Arn"]}, False),
        ({"Fn::Sub": []}, False),
        ("arn:aws:iam::111111111111:role/logs.amazonaws.com", False),
        ("s3:::logs.amazonaws.com", False),
        ("logs.amazonaws.com.example.com", False),
        ("logs.example.com", False),
        ("*", False),
        (111111111111, False),
    ],
)
def test_only_the_name_of_a_service_is_a_service_principal(principal: object, expected: bool) -> None:
    assert is_service_principal(principal) is expected


@pytest.mark.parametrize(
    ("region", "hosts", "principal", "registry", "console"),
    [
        (
            "eu-central-1",
            ["s3.eu-central-1.amazonaws.com"],
            "logs.eu-central-1.amazonaws.com",
            "com.amazonaws.eu-central-1.ecr.api",
            "https://eu-central-1.console.aws.amazon.com",
        ),
        (
            "us-gov-west-1",
            ["s3.us-gov-west-1.amazonaws.com"],
            "logs.us-gov-west-1.amazonaws.com",
            "com.amazonaws.us-gov-west-1.ecr.api",
            "https://us-gov-west-1.console.amazonaws-us-gov.com",
        ),
        (
            "cn-north-1",
            ["s3.cn-north-1.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn"],
            "logs.cn-north-1.amazonaws.com.cn",
            "cn.com.amazonaws.cn-north-1.ecr.api",
            "https://cn-north-1.console.amazonaws.cn",
        ),
    ],
)
def test_names_of_services_are_those_of_the_partition(
    region: str, hosts: list[str], principal: str, registry: str, console: str
) -> None:
    assert regional_hosts("s3", region) == hosts
    assert logs_principal(region) == principal
    assert endpoint_service("ecr.api", region) == registry
    assert endpoint_service("s3", region) == f"com.amazonaws.{region}.s3"
    assert console_address(region) == console
