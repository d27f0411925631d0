"""Rendering: the stacks of every environment in order, with tags, metadata and header, without provided layers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from troposphere import If, Ref, Tags, Template, apigatewayv2, guardduty, iam, s3, ssm

from cicd_templates.config.environment import Environment
from cicd_templates.errors import ConfigurationError
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.outputs import Output, VpcId
from cicd_templates.layer.template import LayerTemplate
from cicd_templates.render import render, tagging
from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.tags import OWN_KEYS
from templates import LAYERS
from tests.conftest import configured, environment, raw_configuration, rendered_stacks

LEDGER = {"path_pattern": "/ledger/*", "checks": {"bandit": {"preset": "bandit"}}}
NETWORK = {
    "network.VpcId": "vpc-1",
    "network.PublicSubnetIds": "subnet-1,subnet-2",
    "network.PrivateSubnetIds": "subnet-3,subnet-4",
}


def rendered(*edits: tuple[str, Any], suffix: str | None = None) -> dict[str, render.RenderedStack]:
    return {stack.path: stack for stack in rendered_stacks(*edits, suffix=suffix)}


def test_each_kind_of_environment_has_its_layers_producers_first() -> None:
    names = [path.removesuffix(".yaml") for path in rendered()]

    tools = [name.removeprefix("tools/").removesuffix("-parcel-dispatcher") for name in names if "tools/" in name]
    assert tools == [
        "keys",
        "notifications",
        "registry",
        "storage",
        "build",
        "scan-gate",
        "signer",
        "access",
        "review",
        "pipeline",
        "monitoring",
    ]
    staging = [name.removeprefix("staging/") for name in names if name.startswith("staging/")]
    assert staging == [
        "delivery-parcel-dispatcher",
        "keys",
        "network",
        "notifications",
        "storage",
        "cluster",
        "ingress-parcel-dispatcher",
        "health-parcel-dispatcher",
        "service-parcel-dispatcher",
    ]


@pytest.mark.no_cover
def test_a_service_more_is_a_stack_more_in_each_runtime_environment() -> None:
    more = rendered(("services/ledger", LEDGER)).keys() - rendered().keys()

    of_a_service = ("delivery", "health", "ingress", "service")
    runtime = [f"{env}/{layer}-ledger.yaml" for env in ("staging", "production") for layer in of_a_service]
    layers = ("access", "build", "monitoring", "pipeline", "registry", "review", "scan-gate", "signer")
    assert more == {*runtime, *(f"tools/{layer}-ledger.yaml" for layer in layers)}


@pytest.mark.no_cover
def test_a_protected_environment_may_have_a_hyphen_in_its_name() -> None:
    production = raw_configuration()["environments"]["production"]
    render = rendered(
        ("environments/pre-prod", production),
        ("environments/production", ...),
        ("pipeline/path", ["staging", "pre-prod"]),
    )

    resources = cloudformation_yaml.load(render["tools/pipeline-parcel-dispatcher.yaml"].text)["Resources"]
    assert "PreProdApproveActionRole" in resources


def test_the_header_says_what_a_reviewer_asks_first() -> None:
    header = rendered()["production/cluster.yaml"].text.partition("\n\n")[0]

    assert header.splitlines()[0].startswith("# cluster: The ECS cluster")
    for fact in (
        "shipping-production-cluster",
        "production, protected (data is retained when the stack is deleted)",
        "333333333333 in eu-central-1",
        "templates/cluster.py and templates/environments.toml",
        "/shipping/production/network/VpcId",
        "LoadBalancerHost, ClusterName, ListenerArn, TestListenerArn",
    ):
        assert fact in header


@pytest.mark.no_cover
def test_json_has_the_same_content_as_yaml() -> None:
    as_json = render.render(configured(), LAYERS, "json")
    as_yaml = render.render(configured(), LAYERS, "yaml")

    assert [stack.path for stack in as_json] == [stack.path.replace(".yaml", ".json") for stack in as_yaml]
    for one, other in zip(as_json, as_yaml, strict=True):
        assert list(json.loads(one.text)) == list(cloudformation_yaml.load(other.text))
        assert json.loads(one.text) == cloudformation_yaml.load(other.text)


@pytest.mark.no_cover
def test_no_two_copies_share_a_name_or_a_path() -> None:
    original, copy = rendered(), rendered(suffix="pr4918")

    def names(texts: dict[str, render.RenderedStack]) -> set[str]:
        return {
            str(value)
            for stack in texts.values()
            for resource in cloudformation_yaml.load(stack.text)["Resources"].values()
            for key, value in resource["Properties"].items()
            if key in NAME_KEYS and isinstance(value, str) and not value.startswith("com.amazonaws.")
        } | {stack.name for stack in texts.values()}

    assert len(names(original)) > 50
    assert not names(original) & names(copy)


NAME_KEYS = {
    "Name", "BucketName", "RoleName", "LogGroupName", "GroupName", "ClusterName", "ServiceName", "AliasName", "Family",
}  # fmt: skip


def test_a_layer_whose_outputs_are_all_provided_is_not_rendered() -> None:
    paths = rendered(("environments/staging/provided", NETWORK))

    assert "staging/network.yaml" not in paths
    cluster = cloudformation_yaml.load(paths["staging/cluster.yaml"].text)
    assert cluster["Resources"]["LoadBalancer"]["Properties"]["Subnets"] == ["subnet-1", "subnet-2"]
    assert "VpcId" not in cluster["Parameters"]


@pytest.mark.no_cover
@pytest.mark.parametrize("nat", ["none", "single"])
def test_the_range_and_the_zones_of_an_existing_network_change_nothing(nat: str) -> None:
    image = f"111111111111.dkr.ecr.eu-central-1.amazonaws.com/base@sha256:{'0' * 64}"
    provided = [
        ("environments/staging/provided", NETWORK),
        ("environments/staging/nat", nat),
        *([("services/parcel-dispatcher/image", image)] if nat == "none" else []),
    ]
    unknown = [("environments/staging/cidr", ...), ("environments/staging/zones", ...)]
    known_texts = {path: stack.text for path, stack in rendered(*provided).items()}

    assert {path: stack.text for path, stack in rendered(*provided, *unknown).items()} == known_texts


def test_an_existing_network_without_a_range_that_is_provided_in_part_is_refused() -> None:
    edits = [("environments/staging/cidr", ...), ("environments/staging/zones", ...)]
    with pytest.raises(ConfigurationError, match="layer network: stacks read more outputs than are provided"):
        rendered(*edits, ("environments/staging/provided", {"network.VpcId": "vpc-1"}))


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("provided", "expected"),
    [
        (
            {"network.VpcId": "vpc-1"},
            "layer network: stacks read more outputs than are provided; also provide"
            ' "network.PrivateSubnetIds", "network.PublicSubnetIds"',
        ),
        ({"network.Vpc": "vpc-1"}, "no layer here publishes network.Vpc; did you mean network.VpcId?"),
        ({"nothing.Xyz": "vpc-1"}, "no layer here publishes nothing.Xyz; known names: cluster."),
    ],
)
def test_what_is_provided_in_part_or_unknown_is_refused(provided: dict[str, str], expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rendered(("environments/staging/provided", provided))
    assert expected in str(caught.value)
    assert str(caught.value).startswith("templates/environments.toml: ")
    assert "\n  environments.staging.provided: " in str(caught.value)


def test_what_is_provided_wrongly_is_listed_for_all_environments_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        rendered(
            ("environments/staging/provided", {"network.Vpc": "vpc-1", "keys.Kee": "k"}),
            ("environments/production/provided", {"network.VpcId": "vpc-1"}),
        )
    heading, *problems = str(caught.value).split("\n  ")

    assert heading == f"templates/environments.toml: {len(problems)} problems"
    assert len({problem for problem in problems if "no layer here publishes" in problem}) == 2
    assert {problem.split(":")[0] for problem in problems} == {
        "environments.staging.provided",
        "environments.production.provided",
    }


def test_boundary_and_path_are_on_every_role() -> None:
    boundary = "arn:aws:iam::222222222222:policy/boundary"
    paths = rendered(
        ("environments/staging/permissions_boundary", boundary), ("environments/staging/role_path", "/delivery/")
    )
    roles = [
        resource["Properties"]
        for path, stack in paths.items()
        if path.startswith("staging/")
        for resource in cloudformation_yaml.load(stack.text)["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
    ]

    assert len(roles) == 7
    assert {(role["PermissionsBoundary"], role["Path"]) for role in roles} == {(boundary, "/delivery/")}


def test_each_shape_of_tags_is_filled_and_an_own_tag_stays() -> None:
    template = Template()
    template.add_resource(s3.Bucket("List", Tags=Tags(Owner="me", Extra="x")))
    template.add_resource(ssm.Parameter("Map", Type="String", Value="x", Tags={"Owner": "me"}))
    template.add_resource(apigatewayv2.Api("MapWithout"))
    finished = tagging.apply_tags_and_role_settings(template, environment(), {"Owner": "team", "Project": "p"})

    resources = finished["Resources"]
    assert resources["List"]["Properties"]["Tags"] == [
        {"Key": "Extra", "Value": "x"},
        {"Key": "Owner", "Value": "me"},
        {"Key": "Project", "Value": "p"},
    ]
    assert resources["Map"]["Properties"]["Tags"] == {"Owner": "me", "Project": "p"}
    assert resources["MapWithout"]["Properties"]["Tags"] == {"Owner": "team", "Project": "p"}


def test_tags_of_a_shape_that_we_do_not_know_are_refused_and_not_lost() -> None:
    template = Template()
    template.add_resource(guardduty.IPSet("Odd", Format="TXT", Location="x"))

    with pytest.raises(TypeError, match="Odd: the tags of AWS::GuardDuty::IPSet are neither a list nor a map"):
        tagging.apply_tags_and_role_settings(template, environment(), {"Owner": "team"})


@pytest.mark.parametrize(
    "own",
    [
        pytest.param(If("C", Tags(a="b"), Ref("AWS::NoValue")), id="all tags"),
        pytest.param(Tags(If("C", {"Key": "a", "Value": "b"}, Ref("AWS::NoValue"))), id="one tag"),
    ],
)
def test_tags_under_a_condition_are_refused(own: Any) -> None:
    template = Template()
    template.add_resource(s3.Bucket("Odd", Tags=own))

    with pytest.raises(TypeError, match="Odd: write its tags as a list without conditions and other functions"):
        tagging.apply_tags_and_role_settings(template, environment(), {"Owner": "team"})


def test_a_copy_says_its_suffix_in_its_tags_and_a_service_its_name() -> None:
    assert tagging.stack_tags(environment(suffix="pr1"), "service", "ledger") == {
        "Project": "shipping",
        "Environment": "staging",
        "Suffix": "pr1",
        "Layer": "service",
        "Service": "ledger",
        "Owner": "shipping-platform",
        "CostCenter": "cc-4100",
        "ManagedBy": "cicd-templates",
    }


def test_tags_of_the_project_come_beside_those_that_every_resource_has_which_it_cannot_set() -> None:
    env = environment("staging", ("project/tags", {"DataClass": "pci"}), suffix="pr1")
    tags = tagging.stack_tags(env, "service", "parcel-dispatcher")

    assert tags.pop("DataClass") == "pci"
    assert tuple(tags) == OWN_KEYS


def test_a_declared_edge_is_in_the_metadata_and_in_the_order() -> None:
    def first(env: Environment) -> LayerTemplate:
        return _layer_with_role(env, "First")

    def second(env: Environment) -> LayerTemplate:
        return _layer_with_role(env, "Second")

    layers = (Layer("first", first, after=("second",)), Layer("second", second))
    found = [stack for stack in render.render(configured(), layers, "yaml") if stack.environment.name == "tools"]

    assert [stack.layer.name for stack in found] == ["second", "first"]
    facts = cloudformation_yaml.load(found[1].text)["Metadata"]["CicdTemplates"]
    assert facts["After"] == ["shipping-tools-second"]


def test_a_value_that_nobody_publishes_fails_before_anything_is_written() -> None:
    def reader(env: Environment) -> LayerTemplate:
        layer = _layer_with_role(env, "Reader")
        layer.read(Output(VpcId, "network", "Vpcid", "misspelt"))
        return layer

    with pytest.raises(ConfigurationError, match="shipping-tools-reader reads /shipping/tools/network/Vpcid"):
        render.render(configured(), (Layer("reader", reader),), "yaml")


def _layer_with_role(env: Environment, logical_id: str) -> LayerTemplate:
    layer = LayerTemplate(env)
    layer.add(iam.Role(logical_id, AssumeRolePolicyDocument={"Ref": Ref("x")}))
    return layer


settings_of_staging = st.fixed_dictionaries(
    {},
    optional={
        "nat": st.sampled_from(["single", "per-zone"]),
        "endpoints": st.sampled_from(["gateway", "all"]),
        "protection": st.just("disposable"),
        "log_retention_days": st.sampled_from([1, 30, 3653]),
        "cidr": st.sampled_from(["10.99.0.0/16", "192.168.0.0/24", "172.16.0.0/20"]),
        "zones": st.permutations(["eu-central-1a", "eu-central-1b", "eu-central-1c"]).map(lambda zones: zones[:2]),
        "suffix": st.sampled_from(["a", "pr4918", "ten-chars1"]),
        "role_path": st.sampled_from(["/", "/a/b/"]),
    },
)


# Each example renders everything twice.
@settings(max_examples=settings().max_examples // 8)
@given(settings_of_staging, st.integers(1024, 65535))
def test_whatever_is_configured_renders_the_same_twice_and_reads_back(staging: dict[str, Any], port: int) -> None:
    edits = [(f"environments/staging/{key}", value) for key, value in staging.items()]
    edits.append(("services/parcel-dispatcher/port", port))
    once, twice = rendered(*edits), rendered(*edits)

    assert {path: stack.text for path, stack in once.items()} == {path: stack.text for path, stack in twice.items()}
    for stack in once.values():
        assert cloudformation_yaml.load(stack.text)["Metadata"]["CicdTemplates"]["Stack"] == stack.name
