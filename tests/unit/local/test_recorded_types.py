"""Recorded types: identified as in AWS, kept through updates, and counted until they are deleted."""

from __future__ import annotations

import itertools
import string
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.local.recorded_types import TYPES, Record, handlers, register


def table(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    register(found, folder, lambda: "123456789012", lambda: "eu-central-1")
    return found


@pytest.mark.parametrize(
    ("resource_type", "properties", "expected_id", "attribute"),
    [
        ("AWS::EC2::EIP", {}, "198.18.", ("AllocationId", "eipalloc-")),
        ("AWS::EC2::NatGateway", {"SubnetId": "s"}, "nat-", ("NatGatewayId", "nat-")),
        ("AWS::EC2::FlowLog", {}, "fl-", ("Id", "fl-")),
        ("AWS::CodePipeline::Pipeline", {"Name": "p"}, "p", ("Version", "1")),
        (
            "AWS::ApplicationAutoScaling::ScalableTarget",
            {"ResourceId": "service/a/b", "ScalableDimension": "ecs:service:DesiredCount", "ServiceNamespace": "ecs"},
            "service/a/b|ecs:service:DesiredCount|ecs",
            None,
        ),
        (
            "AWS::CodePipeline::Pipeline",
            {"Name": "p"},
            "p",
            ("Arn", "arn:aws:codepipeline:eu-central-1:123456789012:p"),
        ),
        ("AWS::ECR::RegistryScanningConfiguration", {}, "123456789012", ("RegistryId", "123456789012")),
        (
            "AWS::IAM::OIDCProvider",
            {"Url": "https://token.example.com"},
            "arn:aws:iam::123456789012:oidc-provider/token.example.com",
            None,
        ),
        ("AWS::CloudWatch::CompositeAlarm", {}, "stack-Logical-", ("Arn", "arn:aws:cloudwatch:")),
        (
            "AWS::CloudWatch::CompositeAlarm",
            {"AlarmName": "a"},
            "a",
            ("Arn", "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:a"),
        ),
    ],
)
def test_ref_and_attributes_are_spelled_as_aws_spells_them(
    tmp_path: Path,
    resource_type: str,
    properties: dict[str, str],
    expected_id: str,
    attribute: tuple[str, str] | None,
) -> None:
    physical_id, attributes = table(tmp_path)[resource_type]["create"]("Logical", properties, "stack")

    assert physical_id.startswith(expected_id)
    if attribute:
        assert attributes[attribute[0]].startswith(attribute[1])


def test_an_update_keeps_the_id_and_a_deletion_removes_the_entry(tmp_path: Path) -> None:
    of_address = table(tmp_path)["AWS::EC2::EIP"]
    record = Record(tmp_path)
    physical_id, attributes = of_address["create"]("Address", {}, "stack")
    assert of_address["update"](physical_id, {}, {"Tags": []}, "stack", "Address") == (physical_id, attributes)

    (entry,) = record.entries("123456789012")
    assert entry == {
        "type": "AWS::EC2::EIP",
        "id": physical_id,
        "account": "123456789012",
        "region": "eu-central-1",
        "stack": "stack",
        "logical_id": "Address",
    }
    assert record.entries("210987654321") == []
    of_address["delete"](physical_id, {}, "Address")
    assert record.entries() == []
    of_address["delete"](physical_id, {}, "Address")


def test_a_deletion_leaves_what_another_account_calls_the_same(tmp_path: Path) -> None:
    record = Record(tmp_path)
    named = {"Name": "shipping"}
    ours = handlers("AWS::CodePipeline::Pipeline", record, lambda: "111111111111", lambda: "eu-central-1")
    theirs = handlers("AWS::CodePipeline::Pipeline", record, lambda: "222222222222", lambda: "eu-central-1")
    for of_pipeline in (ours, theirs):
        of_pipeline["create"]("Pipeline", named, "stack")
    theirs["delete"]("shipping", named, "Pipeline")

    assert [entry["account"] for entry in record.entries()] == ["111111111111"]


def test_two_resources_of_one_id_are_two_entries(tmp_path: Path) -> None:
    of_options = table(tmp_path)["AWS::EC2::VPCBlockPublicAccessOptions"]
    for stack in ("one", "two"):
        of_options["create"]("Options", {}, stack)
    of_options["delete"]("123456789012", {}, "Options")

    assert len(Record(tmp_path).entries()) == 1


def test_addresses_of_one_account_differ(tmp_path: Path) -> None:
    of_address = table(tmp_path)["AWS::EC2::EIP"]
    assert len({of_address["create"](f"Address{number}", {}, "stack")[0] for number in range(30)}) == 30


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [("create", ("L", {}, "s")), ("update", ("id", {}, {}, "s", "L")), ("delete", ("id", {}, "L"))],
)
def test_a_type_fails_when_its_failure_was_requested(
    tmp_path: Path, operation: str, arguments: tuple[Any, ...]
) -> None:
    of_log = table(tmp_path)["AWS::EC2::FlowLog"]
    Record(tmp_path).fail("AWS::EC2::FlowLog", operation, "because")

    with pytest.raises(ValueError, match="because"):
        of_log[operation](*arguments)
    Record(tmp_path).fail_no_more()
    of_log[operation](*arguments)


def test_one_resource_per_account_region_stack_and_logical_id(tmp_path: Path) -> None:
    record = Record(tmp_path)

    def created(account: str, region: str, stack: str, logical_id: str) -> str:
        of_gateway = handlers("AWS::EC2::NatGateway", record, lambda: account, lambda: region)
        physical_id: str = of_gateway["create"](logical_id, {}, stack)[0]
        return physical_id

    ids = {created(*where) for where in itertools.product(("1", "2"), ("a", "b"), ("s", "t"), ("L", "M"))}

    assert len(ids) == 16


def test_a_type_that_the_engine_has_itself_is_not_recorded(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"remove them from recorded_types\.TYPES: AWS::EC2::EIP"):
        register({"AWS::EC2::EIP": {}}, tmp_path, lambda: "1", lambda: "r")


OWN_WORDS = {"account", "address", "host", "region", "token", "uuid"}


@pytest.mark.parametrize("resource_type", TYPES)
def test_every_recorded_attribute_and_every_property_it_is_made_of_exist_in_the_schema(resource_type: str) -> None:
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-central-1", resource_type)
    spellings = TYPES[resource_type]
    words = {word for text in spellings.values() for _, word, _, _ in string.Formatter().parse(text) if word}

    assert None in spellings
    assert spellings.keys() - {None} - set(schema.get_atts) == set()
    assert words - OWN_WORDS - schema.schema["properties"].keys() == set()


def test_starts_are_told_apart_by_account_and_forgotten_with_the_rest(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.start({"account": "1", "request": {"name": "p"}})
    record.start({"account": "2", "request": {"name": "q"}})

    assert [start["request"]["name"] for start in record.starts()] == ["p", "q"]
    assert record.starts("2") == [{"account": "2", "request": {"name": "q"}}]
    record.clear()
    assert record.starts() == []
