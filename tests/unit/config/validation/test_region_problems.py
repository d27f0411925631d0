"""Regions: AWS has each of them, and the environments of one pipeline share one."""

from __future__ import annotations

import re
from typing import Any

import botocore.loaders
import pytest

from cicd_templates.config.regions import REGIONS
from cicd_templates.config.tables.field_types import REGION
from tests.conftest import RAW, environment
from tests.unit.config.problems import STAGING, problems_of


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [(f"{STAGING}/region", "eu-west-1"), (f"{STAGING}/zones", ["eu-west-1a", "eu-west-1b"])],
            "environments.staging.region: eu-west-1 differs from eu-central-1 of tools",
            id="environments of one pipeline in different regions",
        ),
        pytest.param(
            [(f"{STAGING}/region", "eu-centrl-1")],
            "environments.staging.region: eu-centrl-1 is not an AWS region; did you mean eu-central-1?"
            ' If AWS has added it since this version, set project.new_regions = ["eu-centrl-1"]',
            id="misspelt region",
        ),
        pytest.param(
            [(f"{STAGING}/region", "xx-moonbase-1")],
            "environments.staging.region: xx-moonbase-1 is not an AWS region; if AWS has added it since",
            id="region like none",
        ),
    ],
)
def test_a_wrong_region_is_refused_by_its_key(edits: list[tuple[str, Any]], expected: str) -> None:
    problems = problems_of(*edits)

    assert [problem for problem in problems if expected in problem], problems


def test_a_region_newer_than_the_table_is_taken_where_the_file_says_so() -> None:
    edits: list[tuple[str, Any]] = [
        (f"environments/{name}/region", "xx-moonbase-1") for name in ("tools", "staging", "production")
    ]
    edits += [
        (f"environments/{name}/{key}", value)
        for name in ("staging", "production")
        for key, value in (
            ("zones", ["xx-moonbase-1a", "xx-moonbase-1b"]),
            ("certificate_arn", RAW["environments"][name]["certificate_arn"].replace("eu-central-1", "xx-moonbase-1")),
        )
    ]

    assert len(problems_of(*edits)) == 3
    assert environment("staging", *edits, ("project/new_regions", ["xx-moonbase-1"])).region == "xx-moonbase-1"


def test_the_regions_are_those_of_the_sdk() -> None:
    partitions = botocore.loaders.Loader().load_data("partitions")["partitions"]
    names = {name for partition in partitions for name in partition["regions"] if not name.endswith("-global")}

    assert sorted(names) == list(REGIONS)
    assert all(re.fullmatch(REGION, name) for name in names)
