"""The layer `tables`: DynamoDB tables, who may use them, and the endpoint through which tasks reach them."""

from __future__ import annotations

from typing import Any

import pytest

from templates import network, tables
from tests.conftest import environment, rendered_stacks

SERVICE = "parcel-dispatcher"
PARCELS = ("tables/parcels", {"partition_key": "parcel_id"})
READING = [
    f"dynamodb:{name}" for name in ("BatchGetItem", "ConditionCheckItem", "DescribeTable", "GetItem", "Query", "Scan")
]
WRITING = [f"dynamodb:{name}" for name in ("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem")]


def table(name: str = "staging", *edits: tuple[str, Any]) -> dict[str, Any]:
    rendered = tables.build(environment(name, PARCELS, *edits)).template.to_dict()["Resources"]
    found: dict[str, Any] = rendered["ParcelsTable"]
    return found


@pytest.mark.parametrize(
    ("settings", "attributes", "keys"),
    [
        ({"partition_key": "id"}, {"id": "S"}, {"id": "HASH"}),
        (
            {"partition_key": "id", "partition_key_type": "binary", "sort_key": "at", "sort_key_type": "number"},
            {"id": "B", "at": "N"},
            {"id": "HASH", "at": "RANGE"},
        ),
    ],
    ids=["partition key", "sort key"],
)
def test_a_table_has_the_keys_of_the_configuration_with_their_types(
    settings: dict[str, str], attributes: dict[str, str], keys: dict[str, str]
) -> None:
    properties = table("staging", ("tables/parcels", settings))["Properties"]

    assert {each["AttributeName"]: each["AttributeType"] for each in properties["AttributeDefinitions"]} == attributes
    assert {each["AttributeName"]: each["KeyType"] for each in properties["KeySchema"]} == keys
    assert "TimeToLiveSpecification" not in properties


def test_items_expire_by_the_attribute_that_the_configuration_names() -> None:
    settings = {"partition_key": "id", "expires_at": "gone_after"}

    assert table("staging", ("tables/parcels", settings))["Properties"]["TimeToLiveSpecification"] == {
        "AttributeName": "gone_after",
        "Enabled": True,
    }


@pytest.mark.parametrize(
    ("name", "policy", "protected"), [("staging", "Delete", False), ("production", "RetainExceptOnCreate", True)]
)
def test_a_table_is_encrypted_and_backed_up_and_a_protected_environment_keeps_it(
    name: str, policy: str, protected: bool
) -> None:
    found = table(name)

    assert found["DeletionPolicy"] == policy
    assert found["Properties"]["DeletionProtectionEnabled"] is protected
    assert found["Properties"]["SSESpecification"] == {
        "SSEEnabled": True,
        "SSEType": "KMS",
        "KMSMasterKeyId": {"Ref": "KeyArn"},
    }
    assert found["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_nobody_reads_or_writes_a_table_without_tls() -> None:
    found = table()["Properties"]
    (statement,) = found["ResourcePolicy"]["PolicyDocument"]["Statement"]

    assert statement == {
        "Sid": "RefuseWithoutTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": [*READING, *WRITING],
        "Resource": [
            {"Fn::Sub": f"arn:${{AWS::Partition}}:dynamodb:eu-central-1:222222222222:table/{found['TableName']}"}
        ],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("access", "sid", "actions", "key_actions"),
    [
        ("read", "ReadParcels", READING, ["kms:Decrypt", "kms:DescribeKey"]),
        (
            "readwrite",
            "ReadAndWriteParcels",
            [*READING, *WRITING],
            [
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
            ],
        ),
    ],
)
def test_a_service_gets_exactly_the_rights_of_its_kind_of_access(
    access: str, sid: str, actions: list[str], key_actions: list[str]
) -> None:
    edits = [PARCELS, (f"services/{SERVICE}/uses", {"parcels": access})]
    stacks = {stack.path: stack.template.content for stack in rendered_stacks(*edits)}
    content = stacks[f"staging/service-{SERVICE}.yaml"]
    (policy,) = content["Resources"]["TaskRole"]["Properties"]["Policies"]
    (container,) = content["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    use, key = policy["PolicyDocument"]["Statement"]

    assert (use["Sid"], use["Action"], use["Resource"]) == (sid, actions, [{"Ref": "ParcelsTableArn"}])
    assert (key["Action"], key["Resource"]) == (key_actions, [{"Ref": "KeyArn"}])
    assert key["Condition"] == {"StringEquals": {"kms:ViaService": ["dynamodb.eu-central-1.amazonaws.com"]}}
    assert {"Name": "PARCELS_TABLE_NAME", "Value": {"Ref": "ParcelsTableName"}} in container["Environment"]


def test_operations_is_notified_of_throttled_reads_and_writes() -> None:
    rendered = tables.build(environment("staging", PARCELS)).template.to_dict()["Resources"]

    for what in ("Read", "Write"):
        alarm = rendered[f"Parcels{what}Throttles"]["Properties"]
        assert alarm["MetricName"] == f"{what}ThrottleEvents"
        assert alarm["Dimensions"] == [{"Name": "TableName", "Value": {"Ref": "ParcelsTable"}}]
        assert alarm["AlarmActions"] == [{"Ref": "OperationsTopicArn"}]


def test_a_network_has_a_gateway_to_dynamodb_only_if_there_are_tables() -> None:
    without = network.build(environment()).template.resources
    having = network.build(environment("staging", PARCELS)).template.resources

    assert set(having) - set(without) == {"DynamoDbEndpoint"}


def test_without_a_table_in_the_configuration_there_is_no_such_stack() -> None:
    assert not tables.exists(environment())
    assert tables.exists(environment("staging", PARCELS))
