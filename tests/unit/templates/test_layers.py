"""The effect of a setting on a layer."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.template.metadata import REASONS_KEY
from templates import cluster, hooks, ingress, network, service
from tests.conftest import environment
from tests.unit.config.problems import AUTHORITY

STAGING = "environments/staging"


def resources_of(layer: str, *edits: tuple[str, Any], name: str = "staging") -> dict[str, Any]:
    env = environment(name, *edits)
    layer_template = {
        "network": lambda: network.build(env),
        "cluster": lambda: cluster.build(env),
        "ingress": lambda: ingress.build(env, env.services[0]),
        "service": lambda: service.build(env, env.services[0]),
    }[layer]()
    resources: dict[str, Any] = layer_template.template.to_dict()["Resources"]
    return resources


def count(resources: dict[str, Any], resource_type: str) -> int:
    return sum(resource["Type"] == resource_type for resource in resources.values())


@pytest.mark.parametrize(("nat", "gateways", "routes"), [("none", 0, 0), ("single", 1, 2), ("per-zone", 2, 2)])
def test_nat_gateways_and_the_routes_to_them_are_as_configured(nat: str, gateways: int, routes: int) -> None:
    own_image = f"222222222222.dkr.ecr.eu-central-1.amazonaws.com/x@sha256:{'0' * 64}"
    edits = [(f"{STAGING}/nat", nat), (f"{STAGING}/endpoints", "all"), ("services/parcel-dispatcher/image", own_image)]
    resources = resources_of("network", *edits)

    assert count(resources, "AWS::EC2::NatGateway") == count(resources, "AWS::EC2::EIP") == gateways
    assert sum(name.endswith("RouteOut") and name.startswith("Private") for name in resources) == routes


def test_each_zone_goes_out_through_its_own_gateway_where_there_is_one() -> None:
    resources = resources_of("network", (f"{STAGING}/nat", "per-zone"))

    assert resources["Private1RouteOut"]["Properties"]["NatGatewayId"] == {"Ref": "NatGateway1"}
    assert resources["Private2RouteOut"]["Properties"]["NatGatewayId"] == {"Ref": "NatGateway2"}


@pytest.mark.parametrize(("endpoints", "expected"), [("gateway", 1), ("all", 7)])
def test_endpoints_are_as_configured(endpoints: str, expected: int) -> None:
    resources = resources_of("network", (f"{STAGING}/endpoints", endpoints))

    assert count(resources, "AWS::EC2::VPCEndpoint") == expected


@pytest.mark.parametrize(("endpoints", "expected"), [("gateway", set()), ("all", {"SsmmessagesEndpoint"})])
def test_exec_sessions_have_an_endpoint_where_the_others_have_one(endpoints: str, expected: set[str]) -> None:
    asked = (f"{STAGING}/endpoints", endpoints)
    with_exec = resources_of("network", asked, ("services/parcel-dispatcher/audited_exec", True))
    added = with_exec.keys() - resources_of("network", asked).keys()

    assert added == expected
    for name in added:
        assert with_exec[name]["Properties"]["ServiceName"] == "com.amazonaws.eu-central-1.ssmmessages"


S3 = {"52.219.0.0/16": [443]}


@pytest.mark.parametrize(
    ("endpoints", "egress", "expected"),
    [
        pytest.param("all", S3, [("10.20.0.0/16", 443), ("52.219.0.0/16", 443)], id="endpoints"),
        pytest.param("gateway", S3, [("52.219.0.0/16", 443)], id="no endpoints"),
        pytest.param("all", {**S3, "10.0.0.0/8": [443]}, [("10.0.0.0/8", 443), ("52.219.0.0/16", 443)], id="wider"),
        pytest.param(
            "all", {**S3, "10.20.1.0/24": [443]},
            [("10.20.0.0/16", 443), ("10.20.1.0/24", 443), ("52.219.0.0/16", 443)], id="narrower",
        ),
        pytest.param("all", {"0.0.0.0/0": [443]}, [("0.0.0.0/0", 443)], id="everywhere"),
    ],
)  # fmt: skip
def test_tasks_may_always_reach_the_endpoints_of_the_vpc(
    endpoints: str, egress: dict[str, list[int]], expected: list[tuple[str, int]]
) -> None:
    edits = [(f"{STAGING}/endpoints", endpoints), ("services/parcel-dispatcher/egress", egress)]
    rules = resources_of("ingress", *edits)["TasksGroup"]["Properties"]["SecurityGroupEgress"]

    assert [(rule["CidrIp"], rule["FromPort"]) for rule in rules] == expected


def test_subnets_lie_in_the_vpc_and_apart_and_hand_out_no_public_address() -> None:
    from ipaddress import ip_network
    from itertools import combinations

    resources = resources_of("network", name="production")
    subnets = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::EC2::Subnet"]
    ranges = [ip_network(subnet["CidrBlock"]) for subnet in subnets]

    assert len(subnets) == 6
    assert all(subnet.subnet_of(ip_network("10.30.0.0/16")) for subnet in ranges)  # type: ignore[arg-type] # all IPv4
    assert not any(one.overlaps(other) for one, other in combinations(ranges, 2))
    assert {subnet["MapPublicIpOnLaunch"] for subnet in subnets} == {False}


def test_a_certificate_means_tls_and_nothing_else_listens() -> None:
    resources = resources_of("cluster")

    listener = resources["Listener"]["Properties"]
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert listener["SslPolicy"].startswith("ELBSecurityPolicy-TLS13")
    assert resources["TestListener"]["Properties"] == {**listener, "Port": 8443}
    assert count(resources, "AWS::ElasticLoadBalancingV2::Listener") == 2
    # The test listener is there, and nobody is let in to it.
    assert [rule["FromPort"] for rule in resources["LoadBalancerGroup"]["Properties"]["SecurityGroupIngress"]] == [443]
    assert count(resources, "AWS::EC2::SecurityGroupIngress") == 0
    assert listener["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "404"


def test_plain_http_needs_an_explicit_setting_of_the_environment() -> None:
    resources = resources_of("cluster", (f"{STAGING}/allow_http", True), (f"{STAGING}/certificate_arn", ...))

    listener = resources["Listener"]["Properties"]
    assert (listener["Port"], listener["Protocol"]) == (80, "HTTP")
    assert "Certificates" not in listener
    assert resources["BaseUrlParameter"]["Properties"]["Value"] == {"Fn::Sub": "http://${LoadBalancer.DNSName}"}
    skipped = {
        name: [skip["id"] for skip in resource["Metadata"]["checkov"]["skip"]]
        for name, resource in resources.items()
        if "checkov" in resource.get("Metadata", {})
    }
    listener = ["CKV_AWS_2", "CKV_AWS_103"]
    assert skipped == {"LoadBalancerGroup": ["CKV_AWS_260"], "Listener": listener, "TestListener": listener}


LOAD_BALANCER = {"Fn::Sub": "https://${LoadBalancer.DNSName}"}


@pytest.mark.parametrize(
    ("suffix", "edits", "expected"),
    [
        pytest.param(None, [], "https://shipping.staging.example.com", id="the original"),
        pytest.param("pr7", [], LOAD_BALANCER, id="a copy asks its own load balancer"),
        pytest.param(
            "pr7",
            [(f"{STAGING}/copy_domain", "{suffix}.pay.example.com")],
            "https://pr7.pay.example.com",
            id="a copy with a domain of its own",
        ),
        pytest.param(
            None, [(f"{STAGING}/suffix", "b")], "https://shipping.staging.example.com", id="a suffix of the file"
        ),
    ],
)
def test_the_address_of_an_environment_is_that_of_its_own_load_balancer(
    suffix: str | None, edits: list[tuple[str, Any]], expected: object
) -> None:
    env = environment("staging", *edits, suffix=suffix)
    resources = cluster.build(env).template.to_dict()["Resources"]

    assert resources["BaseUrlParameter"]["Properties"]["Value"] == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("/*", {"Ref": "BaseUrl"}), ("/ledger/*", {"Fn::Sub": "${BaseUrl}/ledger"})],
)
def test_the_address_of_a_service_is_the_folder_of_its_requests(pattern: str, expected: object) -> None:
    resources = resources_of("service", ("services/parcel-dispatcher/path_pattern", pattern))

    assert resources["ServiceUrlParameter"]["Properties"]["Value"] == expected


def test_the_role_of_the_smoke_hook_alone_is_exempt_from_the_check_for_writing_without_constraints() -> None:
    edits = [
        ("services/parcel-dispatcher/rollout", "blue-green"),
        ("services/parcel-dispatcher/rollback_on_alarm", True),
        ("services/parcel-dispatcher/hooks", ["verify-image", "smoke"]),
    ]
    env = environment("staging", *edits)
    resources = hooks.build(env, env.services[0]).template.to_dict()["Resources"]
    skips = {
        name: resource["Metadata"]["checkov"]["skip"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::IAM::Role" and "checkov" in resource.get("Metadata", {})
    }

    assert {name: [skip["id"] for skip in listed] for name, listed in skips.items()} == {"SmokeRole": ["CKV_AWS_111"]}
    assert "names every resource" in " ".join(resources["SmokeRole"]["Metadata"][REASONS_KEY])


def test_the_smoke_hook_requests_the_folder_of_its_service_at_the_load_balancer_of_the_copy() -> None:
    edits = [
        ("services/parcel-dispatcher/path_pattern", "/pay/*"),
        ("services/parcel-dispatcher/hooks", ["smoke"]),
        ("services/parcel-dispatcher/rollout", "blue-green"),
        ("services/parcel-dispatcher/rollback_on_alarm", True),
        (f"{STAGING}/copy_domain", "{suffix}.pay.example.com"),
    ]
    env = environment("staging", *edits, suffix="pr7")
    resources = hooks.build(env, env.services[0]).template.to_dict()["Resources"]
    variables = resources["Smoke"]["Properties"]["Environment"]["Variables"]

    assert variables["PROBES"] == '{"/pay/health": 200}'
    assert "AUTHORITY" not in variables, "the public authorities are trusted"
    assert (variables["BALANCER"], variables["HOST"]) == ({"Ref": "LoadBalancerHost"}, "pr7.pay.example.com")


def test_the_smoke_hook_trusts_only_the_authority_of_the_environment() -> None:
    edits = [
        ("services/parcel-dispatcher/hooks", ["smoke"]),
        ("services/parcel-dispatcher/rollout", "blue-green"),
        ("services/parcel-dispatcher/rollback_on_alarm", True),
        (f"{STAGING}/certificate_authority", AUTHORITY),
    ]
    env = environment("staging", *edits)
    resources = hooks.build(env, env.services[0]).template.to_dict()["Resources"]

    assert resources["Smoke"]["Properties"]["Environment"]["Variables"]["AUTHORITY"] == AUTHORITY


@pytest.mark.parametrize(("name", "expected"), [("staging", "false"), ("production", "true")])
def test_a_protected_load_balancer_refuses_its_deletion(name: str, expected: str) -> None:
    attributes = resources_of("cluster", name=name)["LoadBalancer"]["Properties"]["LoadBalancerAttributes"]

    assert {"Key": "deletion_protection.enabled", "Value": expected} in attributes


def test_the_service_gives_up_on_a_bad_release_and_goes_back() -> None:
    properties = resources_of("service")["Service"]["Properties"]

    breaker = properties["DeploymentConfiguration"]["DeploymentCircuitBreaker"]
    assert breaker == {"Enable": True, "Rollback": True}
    assert properties["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"


def test_the_bootstrap_command_goes_with_the_bootstrap_image() -> None:
    (container,) = resources_of("service")["TaskDefinition"]["Properties"]["ContainerDefinitions"]

    condition, command, otherwise = container["Command"]["Fn::If"]
    assert condition == "RunsTheBootstrapImage"
    assert command[0] == "python3"
    assert otherwise == {"Ref": "AWS::NoValue"}


def test_variables_reach_the_container_in_order_with_the_port() -> None:
    resources = resources_of("service", ("services/parcel-dispatcher/environment", {"Z": "1", "A": "2"}))
    (container,) = resources["TaskDefinition"]["Properties"]["ContainerDefinitions"]

    assert [variable["Name"] for variable in container["Environment"]] == ["A", "PORT", "Z"]


@pytest.mark.parametrize(
    ("target", "reads"), [({"cpu_percent": 60}, False), ({"requests_per_target": 100}, True)], ids=["cpu", "requests"]
)
def test_a_service_reads_request_counts_only_where_it_scales_by_them(target: dict[str, int], reads: bool) -> None:
    env = environment("staging", ("services/parcel-dispatcher/autoscaling", {"maximum": 4, **target}))
    parameters = service.build(env, env.services[0]).template.to_dict()["Parameters"]

    assert ("PrimaryTargetGroupName" in parameters) is reads
