"""Functions: the newest runtime that the schemas know, traces and dead letters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from cicd_templates.blocks.lambda_functions import PYTHON_RUNTIME
from cicd_templates.render.render import render
from cicd_templates.template import cloudformation_yaml
from templates import LAYERS
from tests.conftest import configured

HOOKS = [
    ("environments/staging/services/parcel-dispatcher/rollout", "canary"),
    ("environments/staging/services/parcel-dispatcher/rollback_on_alarm", True),
    ("environments/staging/services/parcel-dispatcher/hooks", ["smoke", "verify-image"]),
]


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "cn-north-1"])
def test_the_runtime_is_the_newest_of_its_kind_in_every_region(region: str) -> None:
    schema: Any = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, "AWS::Lambda::Function").schema
    versions = [each for each in schema["properties"]["Runtime"]["enum"] if each.startswith("python")]

    assert max(versions, key=lambda name: [int(part) for part in name[6:].split(".")]) == PYTHON_RUNTIME


def test_every_function_is_traced_and_loses_no_event() -> None:
    seen = 0
    for stack in render(configured(*HOOKS), LAYERS, "yaml"):
        resources = cloudformation_yaml.load(stack.text)["Resources"]
        for resource in resources.values():
            if resource["Type"] == "AWS::Lambda::Function":
                seen += 1
                properties = resource["Properties"]
                assert properties["TracingConfig"] == {"Mode": "Active"}
                # Lambda accepts only texts as values of variables.
                assert {type(value) for value in properties["Environment"]["Variables"].values()} <= {str, dict}
                assert properties["DeadLetterConfig"] == {"TargetArn": {"Ref": "DeadLettersQueueArn"}}
                role = resources[properties["Role"]["Fn::GetAtt"][0]]["Properties"]
                statements = {each["Sid"]: each for each in role["Policies"][0]["PolicyDocument"]["Statement"]}
                assert statements["SendTraces"]["Action"] == ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
                assert {"SendDeadLetters", "UseTheKey"} <= statements.keys()

    assert seen == 6


def test_nothing_in_a_vpc_is_left_in_its_default_security_group() -> None:
    groups: dict[str, Callable[[dict[str, Any]], Any]] = {
        "AWS::ECS::Service": lambda each: each["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"],
        "AWS::ElasticLoadBalancingV2::LoadBalancer": lambda each: each["SecurityGroups"],
        "AWS::EC2::VPCEndpoint": lambda each: (
            each["SecurityGroupIds"] if each["VpcEndpointType"] == "Interface" else [1]
        ),
        "AWS::Lambda::Function": lambda each: each["VpcConfig"]["SecurityGroupIds"] if "VpcConfig" in each else [1],
    }
    seen = set()
    for stack in render(configured(*HOOKS), LAYERS, "yaml"):
        for resource in cloudformation_yaml.load(stack.text)["Resources"].values():
            if resource["Type"] in groups:
                seen.add(resource["Type"])
                assert groups[resource["Type"]](resource["Properties"])

    assert seen == groups.keys()
