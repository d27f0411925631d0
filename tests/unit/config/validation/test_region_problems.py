"""Regions: each of them must exist in AWS, and the environments of one pipeline must share one."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.loaders
import cfnlint
import pytest

from cicd_templates.config.load import read_configuration
from cicd_templates.config.regions import REGIONS, REGIONS_WITHOUT
from cicd_templates.config.tables.field_types import REGION
from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.permissions.action_resources import TYPE_OF_KIND, EnvironmentNames, scope
from cicd_templates.render.render import render
from cicd_templates.template.partitions import partition_of
from templates import LAYERS
from tests.conftest import RAW, ROOT, configured, environment, rendered_stacks
from tests.projects.rendering import PROJECTS
from tests.unit.config.problems import SERVICE, STAGING, moved_to, problems_of


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param(
            [(f"{STAGING}/region", "eu-west-1"), (f"{STAGING}/zones", ["eu-west-1a", "eu-west-1b"])],
            "environments.staging.region: eu-west-1 differs from eu-central-1, the region of tools",
            id="environments of one pipeline in different regions",
        ),
        pytest.param(
            [(f"{STAGING}/region", "eu-centrl-1")],
            "environments.staging.region: eu-centrl-1 is not an AWS region; did you mean eu-central-1?"
            ' If AWS has added it since this version of the tool, set project.new_regions = ["eu-centrl-1"]',
            id="misspelt region",
        ),
        pytest.param(
            [(f"{STAGING}/region", "xx-moonbase-1")],
            "environments.staging.region: xx-moonbase-1 is not an AWS region; check the spelling. If AWS has",
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

    (problem,) = problems_of(*edits)
    assert problem.startswith("environments.tools.region: xx-moonbase-1 is not an AWS region; check the spelling. ")
    assert problem.endswith(" (also in staging, production)")
    assert environment("staging", *edits, ("project/new_regions", ["xx-moonbase-1"])).region == "xx-moonbase-1"


GITHUB = {
    f"{SERVICE}/source": "github",
    f"{SERVICE}/github": {
        "repository": "acme/parcels",
        "connection_arn": "arn:aws:codeconnections:us-east-1:111111111111:connection/0123-abcd",
    },
}


@pytest.mark.parametrize("region", ["us-gov-west-1", "ap-east-1", "il-central-1"])
def test_a_source_on_github_is_refused_where_a_pipeline_cannot_read_it(region: str) -> None:
    (problem,) = problems_of(*moved_to(region, partition_of(region).name), *GITHUB.items())

    assert problem == (
        f"services.parcel-dispatcher.source: {region} has no CodeConnections, so a pipeline there cannot read from"
        ' GitHub; use source = "s3". If a workflow on GitHub uploads the releases to S3, also set'
        f' github.releases = true; if AWS now offers the service there, set project.new_regions = ["{region}"]'
    )


@pytest.mark.parametrize(
    ("region", "edits"),
    [
        pytest.param("us-gov-east-1", GITHUB, id="a region that has it"),
        pytest.param("us-gov-west-1", GITHUB | {"project/new_regions": ["us-gov-west-1"]}, id="the file says so"),
        pytest.param("us-gov-west-1", {f"{SERVICE}/github/releases": True}, id="a workflow releases"),
        pytest.param("ca-west-1", {"project/new_regions": ["ca-west-1"]}, id="builds, where the file says so"),
    ],
)
def test_a_service_that_is_there_is_taken(region: str, edits: dict[str, Any]) -> None:
    repository = {f"{SERVICE}/github/repository": "acme/parcels"}
    configuration = configured(*moved_to(region, partition_of(region).name), *(edits | repository).items())

    assert {environment.region for environment in configuration.environments} == {region}


@pytest.mark.parametrize(
    ("region", "services"), [("ca-west-1", ["CodeBuild"]), ("eu-isoe-west-1", ["CodePipeline", "CodeBuild"])]
)
def test_a_region_without_what_every_pipeline_needs_is_refused(region: str, services: list[str]) -> None:
    problems = problems_of(*moved_to(region, partition_of(region).name))

    assert [problem for problem in problems if "every pipeline needs" in problem] == [
        f"environments.tools.region: {region} has no {service}, which every pipeline needs; choose another region; if"
        f' AWS now offers the service there, set project.new_regions = ["{region}"]'
        for service in services
    ]


def test_the_missing_services_are_those_that_the_registry_and_the_sdk_do_not_have() -> None:
    """The registry counts where a region has a list of its own; elsewhere cfn-lint uses the list of us-east-1."""
    registry = Path(cfnlint.__file__).parent / "data/schemas/providers"
    partitions = botocore.loaders.Loader().load_data("endpoints")["partitions"]
    default = json.loads((registry / "us-east-1.json").read_text())
    needed = {
        "CodePipeline": ("codepipeline", {"AWS::CodePipeline::Pipeline"}),
        "CodeBuild": ("codebuild", {"AWS::CodeBuild::Project"}),
        # A pipeline can read from GitHub only where the service has its older name, too.
        "CodeConnections": (
            "codestar-connections",
            {"AWS::CodeConnections::Connection", "AWS::CodeStarConnections::Connection"},
        ),
    }
    missing: dict[str, list[str]] = {name: [] for name in needed}
    for region in REGIONS:
        file = registry / f"{region}.json"
        types = json.loads(file.read_text()) if file.exists() else default
        for name, (endpoint, wanted) in needed.items():
            if region != "us-east-1" and types == default:
                endpoints = [part["services"].get(endpoint) for part in partitions if region in part["regions"]]
                lacks = any(not found or region not in found["endpoints"] for found in endpoints)
            else:
                lacks = not wanted <= set(types)
            if lacks:
                missing[name].append(region)

    assert {name: list(regions) for name, regions in REGIONS_WITHOUT.items()} == missing


@pytest.mark.long
@pytest.mark.parametrize("name", [path.parent.name for path in sorted(PROJECTS.glob("*/environments.toml"))])
def test_every_region_has_all_other_services_of_a_project(name: str) -> None:
    """Otherwise the table would need them."""
    registry = Path(cfnlint.__file__).parent / "data/schemas/providers"
    known = {
        kind
        for stack in render(read_configuration(PROJECTS / name / "environments.toml"), LAYERS, "yaml")
        for kind in (resource["Type"] for resource in stack.template.content["Resources"].values())
        if kind.split("::")[1] not in ("CodePipeline", "CodeBuild")
    }
    for region in REGIONS:
        file = registry / f"{region}.json"
        if file.exists():
            assert known - set(json.loads(file.read_text())) == set(), region


def test_the_regions_are_those_of_the_sdk() -> None:
    partitions = botocore.loaders.Loader().load_data("partitions")["partitions"]
    names = {name for partition in partitions for name in partition["regions"] if not name.endswith("-global")}

    assert sorted(names) == list(REGIONS)
    assert all(re.fullmatch(REGION, name) for name in names)


@pytest.mark.parametrize(
    ("region", "remedy"),
    [
        ("cn-north-1", '; to render it anyway, set project.unchecked_partitions = ["aws-cn"]'),
        ("eusc-de-east-1", ", and their names are not known here"),
        ("us-isof-east-1", ", and their names are not known here"),
    ],
)
def test_a_partition_that_nobody_has_checked_is_refused_by_its_name(region: str, remedy: str) -> None:
    name = partition_of(region).name
    problems = problems_of(*moved_to(region, name))

    assert problems == [
        f"environments.tools.region: {region} is in the partition {name}, whose service principals, endpoints"
        f" and services have not been checked{remedy} (also in staging, production)"
    ]


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("region", "partition", "edits"),
    [
        ("us-gov-west-1", "aws-us-gov", []),
        ("us-east-1", "aws", []),
        ("cn-northwest-1", "aws-cn", [("project/unchecked_partitions", ["aws-cn"])]),
    ],
)
def test_everything_is_rendered_with_the_names_of_its_partition(
    region: str, partition: str, edits: list[tuple[str, Any]]
) -> None:
    features = [
        ("environments/staging/endpoints", "all"),
        ("services/parcel-dispatcher/secrets", {"TOKEN": "token"}),
    ]
    texts = [stack.text for stack in rendered_stacks(*moved_to(region, partition), *edits, *features)]

    # Service principals end in amazonaws.com everywhere, but for that of CloudWatch Logs.
    names = {name for text in texts for name in re.findall(rf"[\w.-]*{region}[\w.-]*amazonaws[\w.]*", text)}
    suffixes = {"amazonaws.com", partition_of(region).dns_suffix}
    assert {arn for text in texts for arn in re.findall(r"arn:(aws[\w-]*):", text)} <= {partition}
    assert {f"logs.{region}.{partition_of(region).dns_suffix}"} <= names
    assert {name for name in names if name.startswith("logs.")} == {f"logs.{region}.{partition_of(region).dns_suffix}"}
    assert {name for name in names if name.startswith("s3.")} == {f"s3.{region}.{suffix}" for suffix in suffixes}
    consoles = {host for text in texts for host in re.findall(rf"https://{region}\.([\w.-]+)/", text)}
    assert consoles == {partition_of(region).console}


def test_no_printed_policy_names_another_partition() -> None:
    for region in ("eusc-de-east-1", "cn-north-1", "us-gov-east-1"):
        stacks = [
            replace(stack, facts=stack.facts._replace(region=region)) for stack in read_stacks(ROOT / "out/staging")
        ]
        names = EnvironmentNames.of(stacks)
        assert names.partition == partition_of(region).name
        patterns = {
            pattern
            for kind in TYPE_OF_KIND.values()
            for each in kind.arns
            for pattern in names.arn_patterns(kind, each)
        } | set(scope("iam:CreateServiceLinkedRole", (), names))
        assert {pattern.split(":")[1] for pattern in patterns} == {names.partition}
