"""The changes that replace a resource, as the local AWS predicts them in change sets."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from cicd_templates.local import create_only
from cicd_templates.local.create_only import Schemas
from cicd_templates.template import schemas as cfn_lint_schemas

SCHEMAS = Schemas(create_only.schemas_folder())


@pytest.mark.parametrize(
    ("resource_type", "name", "answer"),
    [
        ("AWS::KMS::Key", "KeyPolicy", "Never"),
        ("AWS::Logs::LogGroup", "RetentionInDays", "Never"),
        ("AWS::Logs::LogGroup", "LogGroupName", "Always"),
        ("AWS::ECS::TaskDefinition", "ContainerDefinitions", "Always"),
        ("AWS::ECS::Service", "LaunchType", "Conditionally"),
        # Only a part of these properties is create-only, so their change replaces the resource only if it is about it.
        ("AWS::Glue::Table", "TableInput", "Conditionally"),
        ("AWS::EKS::Cluster", "KubernetesNetworkConfig", "Conditionally"),
        ("Custom::Anything", "Input", None),
        ("AWS::CloudFormation::CustomResource", "Input", None),
    ],
)
def test_a_schema_says_which_property_replaces_its_resource(resource_type: str, name: str, answer: str | None) -> None:
    assert SCHEMAS.recreation("eu-central-1", resource_type, name) == answer


@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1", "us-gov-west-1"])
def test_the_files_say_what_cfn_lint_says(region: str) -> None:
    for resource_type in ("AWS::EC2::Subnet", "AWS::S3::Bucket", "AWS::SNS::Subscription", "AWS::KMS::Key"):
        always, perhaps = cfn_lint_schemas.create_only(region, resource_type)
        answers = {
            name: SCHEMAS.recreation(region, resource_type, name) for name in always | perhaps | {"Tags", "NoSuch"}
        }
        assert answers == {
            name: "Always" if name in always else "Conditionally" if name in perhaps else "Never" for name in answers
        }


def test_a_region_or_a_type_without_schemas_has_no_answer(tmp_path: Path) -> None:
    (tmp_path / "providers").mkdir()
    (tmp_path / "providers/xx-north-1.json").write_text(json.dumps({}))
    schemas = Schemas(tmp_path)

    assert schemas.recreation("xx-north-1", "AWS::S3::Bucket", "BucketName") is None
    assert schemas.recreation("xx-north-2", "AWS::S3::Bucket", "BucketName") is None


def test_the_engine_answers_for_the_types_of_its_own_table_and_for_types_without_a_schema() -> None:
    stacks, provisioners = ModuleType("stacks"), ModuleType("provisioners")
    stacks._property_recreation = lambda resource_type, name: f"engine: {name}"  # type: ignore[attr-defined] # the engine's
    provisioners._REPLACING_PROPERTIES = {"AWS::SQS::Queue": ("QueueName",)}  # type: ignore[attr-defined] # the engine's
    create_only.register(stacks, provisioners, create_only.schemas_folder(), lambda: "eu-central-1")
    answer = stacks._property_recreation

    assert answer("AWS::SQS::Queue", "Tags") == "engine: Tags"
    assert answer("Custom::Anything", "Input") == "engine: Input"
    assert answer("AWS::KMS::Key", "KeyPolicy") == "Never"
    assert answer("AWS::KMS::Alias", "AliasName") == "Always"
