"""Lambda functions have the newest runtime that the schemas know, tracing and a dead-letter queue."""

from __future__ import annotations

import ast
import contextlib
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from troposphere import GetAtt, Ref, Sub

from cicd_templates import functions
from cicd_templates.blocks.inlined_modules import joined_text, read_module
from cicd_templates.blocks.lambda_functions import PYTHON_RUNTIME, VARIABLES_LENGTH, inline_function, source
from cicd_templates.config.load import parse_configuration
from cicd_templates.errors import ConfigurationError
from cicd_templates.template import cloudformation_yaml
from templates import signer
from tests.conftest import configured, raw_configuration, rendered_stacks

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
    for stack in rendered_stacks(*HOOKS):
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

    assert seen == 8


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
    for stack in rendered_stacks(*HOOKS):
        for resource in cloudformation_yaml.load(stack.text)["Resources"].values():
            if resource["Type"] in groups:
                seen.add(resource["Type"])
                assert groups[resource["Type"]](resource["Properties"])

    assert seen == groups.keys()


FILES = sorted(path.stem for path in Path(functions.__path__[0]).glob("*.py") if path.stem != "__init__")


@pytest.mark.no_cover
@pytest.mark.parametrize("name", FILES)
def test_a_function_is_one_file_whatever_it_imports_from_its_neighbours(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = source(name)
    (tmp_path / f"joined_{name}.py").write_text(code.text)
    monkeypatch.syspath_prepend(tmp_path)
    joined = importlib.import_module(f"joined_{name}")
    original = importlib.import_module(f"cicd_templates.functions.{name}")

    assert joined.__doc__ == original.__doc__
    assert "import cicd_templates" not in code.text
    assert "from cicd_templates" not in code.text
    for node in ast.parse(Path(original.__file__ or "").read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            assert callable(getattr(joined, node.name))
    assert code.origin.endswith(f"src/cicd_templates/functions/{name}.py")
    assert code.origin.startswith("joined from") == (read_module(f"functions/{name}").needs != ())


def test_a_function_that_imports_nothing_of_its_neighbours_stays_as_its_file_is() -> None:
    assert source("stuck").text == Path(functions.__path__[0], "stuck.py").read_text()


def test_two_modules_that_define_the_same_name_are_not_joined() -> None:
    with pytest.raises(ValueError, match=r"(REQUIRED|handler) is defined twice: # --- review: .* and # --- migrate: "):
        joined_text([read_module("functions/review"), read_module("functions/migrate")])


@pytest.mark.parametrize(
    ("environments", "length", "fits"), [(8, 24, True), (28, 24, False), (28, 2, True), (40, 2, False)]
)
def test_variables_that_are_longer_than_lambda_accepts_are_refused(
    environments: int, length: int, *, fits: bool
) -> None:
    raw = raw_configuration()
    first = raw["environments"].pop("staging")
    copies = {f"staging-{number:04}": {**first, "cidr": f"10.{number}.0.0/16"} for number in range(environments)}
    del raw["environments"]["production"]
    raw["environments"] |= copies
    raw["pipeline"]["path"] = [*copies]
    service = "p" * length
    raw["services"] = {service: raw["services"]["parcel-dispatcher"]}
    (tools,) = [env for env in parse_configuration(raw, source="file").environments if env.kind == "tools"]
    message = (
        rf"the JSON of the environment variables of the Lambda function shipping-tools-{service}-signer has \d,\d{{3}}"
        " characters, but AWS accepts at most 4,096; shorten the name of the project, the service, a check or"
    )

    with contextlib.nullcontext() if fits else pytest.raises(ConfigurationError, match=message):
        signer.build(tools, tools.services[0])


@pytest.mark.parametrize(
    ("value", "length"),
    [
        ("x" * 10, 10),
        ('"' * 10, 20),
        (Ref("Bucket"), 128),
        (GetAtt("Key", "Arn"), 128),
        (Sub("arn:${AWS::Partition}:s3:::${Bucket}/x"), 4 + 17 + 6 + 128 + 2),
    ],
    ids=["a text", "quotes", "a reference", "an attribute", "a text with a reference"],
)
def test_variables_are_measured_as_json_with_long_values_of_references(value: Any, length: int) -> None:
    (tools,) = [env for env in configured().environments if env.kind == "tools"]
    rest = VARIABLES_LENGTH - len('{"AA":"","BB":""}') - length
    arguments: dict[str, Any] = {"name": ("n",), "key": "arn:k", "dead_letters": "arn:d", "timeout_seconds": 3}

    inline_function("F", tools, source("stuck"), variables={"AA": value, "BB": "x" * rest}, **arguments)
    with pytest.raises(ConfigurationError, match="function shipping-tools-n has 4,097 characters"):
        inline_function("F", tools, source("stuck"), variables={"AA": value, "BB": "x" * (rest + 1)}, **arguments)
