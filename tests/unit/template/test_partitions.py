"""The table of partitions agrees with botocore's endpoint data."""

from __future__ import annotations

import botocore.loaders
import pytest

from cicd_templates.template.partitions import AWS, OTHER_PARTITIONS, Partition, partition_of

ENDPOINTS = botocore.loaders.create_loader().load_data("endpoints")["partitions"]
REGIONS = [(region, endpoints) for endpoints in ENDPOINTS for region in endpoints["regions"]]


@pytest.mark.parametrize(("region", "endpoints"), REGIONS, ids=[region for region, _ in REGIONS])
def test_every_region_is_in_the_partition_that_botocore_says(region: str, endpoints: dict[str, str]) -> None:
    partition = partition_of(region)

    assert (partition.name, partition.dns_suffix) == (endpoints["partition"], endpoints["dnsSuffix"])


def test_no_partition_is_missing_and_none_is_invented() -> None:
    assert {partition.name for partition in (AWS, *OTHER_PARTITIONS)} == {each["partition"] for each in ENDPOINTS}


def test_a_region_of_no_known_partition_is_taken_for_a_commercial_one() -> None:
    assert partition_of("mars-north-1") == Partition("aws", "", "amazonaws.com")
