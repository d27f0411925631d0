"""The layer `databases`: PostgreSQL clusters, and which services may connect to them as which user."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from cicd_templates.config.tables.database import DatabaseTable
from cicd_templates.errors import ConfigurationError
from cicd_templates.layer.outputs import DatabaseResourceId
from cicd_templates.lint.run import find_in_templates
from templates import databases, keys, queues, tables
from tests.conftest import RAW, environment, rendered_stacks

SERVICE = "parcel-dispatcher"
PARCELS: tuple[str, Any] = ("databases/parcel-rates", {})


def resources(name: str = "staging", *edits: tuple[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = databases.build(environment(name, *(edits or (PARCELS,)))).template.to_dict()["Resources"]
    return found


def rendered(*edits: tuple[str, Any]) -> dict[str, Any]:
    return {stack.path: stack.template.content for stack in rendered_stacks(*edits)}


def statements(template: dict[str, Any]) -> list[dict[str, Any]]:
    (policy,) = template["Resources"]["TaskRole"]["Properties"]["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


@pytest.mark.parametrize(
    ("name", "policy", "protected", "days", "instances"),
    [("staging", "Delete", False, 1, 1), ("production", "Snapshot", True, 35, 2)],
)
def test_a_protected_environment_keeps_backups_longer_and_a_final_snapshot(
    name: str, policy: str, protected: bool, days: int, instances: int
) -> None:
    found = resources(name)
    cluster = found["ParcelRatesCluster"]

    assert (cluster["DeletionPolicy"], cluster["UpdateReplacePolicy"]) == (policy, policy)
    assert cluster["Properties"]["DeletionProtection"] is protected
    assert cluster["Properties"]["BackupRetentionPeriod"] == days
    assert [key for key in found if key.startswith("ParcelRatesInstance")] == [
        f"ParcelRatesInstance{number}" for number in range(1, instances + 1)
    ]


def test_storage_and_password_are_encrypted_with_the_key_and_rds_alone_knows_the_password() -> None:
    cluster = resources()["ParcelRatesCluster"]["Properties"]

    assert (cluster["StorageEncrypted"], cluster["KmsKeyId"]) == (True, {"Ref": "KeyArn"})
    assert cluster["ManageMasterUserPassword"] is True
    assert cluster["MasterUserSecret"] == {"KmsKeyId": {"Ref": "KeyArn"}}
    assert "MasterUserPassword" not in cluster


def test_a_database_is_private_accepts_only_tls_and_admits_nobody_by_itself() -> None:
    found = resources()

    assert found["ParcelRatesParameters"]["Properties"]["Parameters"]["rds.force_ssl"] == "1"
    assert found["ParcelRatesInstance1"]["Properties"]["PubliclyAccessible"] is False
    assert found["ParcelRatesSubnetGroup"]["Properties"]["SubnetIds"] == {"Ref": "PrivateSubnetIds"}
    assert "SecurityGroupIngress" not in found["ParcelRatesSecurityGroup"]["Properties"]


def test_the_log_group_exists_before_rds_writes_to_it_and_the_key_admits_it() -> None:
    found = resources()
    name = found["ParcelRatesLogGroup"]["Properties"]["LogGroupName"]
    (statement,) = [
        each
        for each in keys.build(environment("staging", PARCELS)).template.to_dict()["Resources"]["Key"]["Properties"][
            "KeyPolicy"
        ]["Statement"]
        if each["Sid"] == "LetLogsEncryptOurLogGroups"
    ]

    assert name == "/aws/rds/cluster/shipping-staging-parcel-rates/postgresql"
    assert found["ParcelRatesCluster"]["DependsOn"] == "ParcelRatesLogGroup"
    assert "log-group:/aws/rds/cluster/shipping-staging-*" in str(statement["Condition"])
    assert "/aws/rds/" not in str(keys.build(environment()).template.to_dict())


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 600),
        ({"max_capacity": 1.5}, 225),
        ({"max_capacity": 64}, 1600),
        ({"max_capacity": 64, "min_capacity": 8, "connections": 3000}, 3000),
    ],
    ids=["default", "half a step", "at most", "own"],
)
def test_the_alarm_on_connections_follows_the_largest_capacity(settings: dict[str, Any], expected: int) -> None:
    alarm = resources("staging", ("databases/parcel-rates", settings))["ParcelRatesConnections"]["Properties"]

    assert alarm["Threshold"] == expected
    assert alarm["Dimensions"] == [{"Name": "DBClusterIdentifier", "Value": {"Ref": "ParcelRatesCluster"}}]
    assert alarm["AlarmActions"] == [{"Ref": "OperationsTopicArn"}]


def test_an_environment_has_a_size_of_its_own() -> None:
    size = {"min_capacity": 2, "max_capacity": 8.5, "instances": 3, "backup_days": 7, "version": "16"}
    found = resources("production", PARCELS, ("environments/production/databases", {"parcel-rates": size}))
    cluster = found["ParcelRatesCluster"]["Properties"]

    assert cluster["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 2, "MaxCapacity": 8.5}
    assert (cluster["BackupRetentionPeriod"], cluster["EngineVersion"]) == (7, "16")
    assert found["ParcelRatesParameters"]["Properties"]["Family"] == "aurora-postgresql16"
    assert "ParcelRatesInstance3" in found
    assert databases.build(environment("staging", PARCELS)).template.to_dict()["Resources"]["ParcelRatesCluster"][
        "Properties"
    ]["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 0.5, "MaxCapacity": 4}


@pytest.mark.no_cover
@pytest.mark.parametrize("version", get_args(DatabaseTable.model_fields["version"].annotation))
def test_each_version_that_can_be_chosen_passes_the_lint(version: str, tmp_path: Path) -> None:
    (stack,) = [
        stack
        for stack in rendered_stacks(("databases/parcel-rates", {"version": version}))
        if stack.path == "staging/databases.yaml"
    ]
    (tmp_path / "databases.yaml").write_text(stack.text, encoding="utf-8")

    assert f"EngineVersion: '{version}'" in stack.text
    assert find_in_templates([tmp_path / "databases.yaml"]) == []


@pytest.mark.no_cover
def test_each_service_connects_as_a_user_of_its_own_and_of_its_kind_of_access() -> None:
    stacks = rendered(
        PARCELS,
        (f"services/{SERVICE}/uses", {"parcel-rates": "readwrite"}),
        ("services/printer", RAW["services"][SERVICE] | {"path_pattern": "/print/*", "uses": {"parcel-rates": "read"}}),
    )
    users = {}
    for service in (SERVICE, "printer"):
        template = stacks[f"staging/service-{service}.yaml"]
        (container,) = template["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
        variables = {each["Name"]: each["Value"] for each in container["Environment"]}
        users[service] = variables["PARCEL_RATES_DATABASE_USER"]
        (statement,) = statements(template)

        assert statement["Action"] == ["rds-db:connect"]
        assert statement["Resource"] == [
            {
                "Fn::Sub": "arn:${AWS::Partition}:rds-db:eu-central-1:222222222222:dbuser:"
                f"${{ParcelRatesResourceId}}/{users[service]}"
            }
        ]
        assert variables["PARCEL_RATES_DATABASE_HOST"] == {"Ref": "ParcelRatesHost"}
        assert variables["PARCEL_RATES_DATABASE_NAME"] == "parcel_rates"
        assert variables["PARCEL_RATES_DATABASE_PORT"] == "5432"
        assert variables["PARCEL_RATES_DATABASE_REGION"] == "eu-central-1"

    assert users == {SERVICE: "readwrite_parcel_dispatcher", "printer": "read_printer"}


@pytest.mark.parametrize("layer", [databases, queues, tables], ids=["databases", "queues", "tables"])
def test_resources_of_two_names_never_meet_because_no_ending_is_the_end_of_another(layer: ModuleType) -> None:
    named: tuple[tuple[str, Any], ...] = (
        PARCELS,
        ("queues/parcel-rates", {}),
        ("tables/parcel-rates", {"partition_key": "id"}),
    )
    kind = layer.__name__.rpartition(".")[2]
    template = layer.build(environment("production", next(each for each in named if each[0].startswith(kind)))).template
    for ids in (template.resources, template.outputs):
        endings = [name.removeprefix("ParcelRates") for name in ids]

        assert len(endings) >= 2
        assert [(one, other) for one in endings for other in endings if one != other and one.endswith(other)] == []


@pytest.mark.no_cover
@pytest.mark.parametrize("other", ["ledger-log", "ledger-subnet", "ledger-security", "ledger-1", "ledger-instance"])
def test_a_database_whose_name_continues_that_of_another_is_beside_it(other: str) -> None:
    stacks = rendered(("databases/ledger", {}), (f"databases/{other}", {}))

    clusters = [
        resource["Properties"]["DBClusterIdentifier"]
        for resource in stacks["production/databases.yaml"]["Resources"].values()
        if resource["Type"] == "AWS::RDS::DBCluster"
    ]
    assert clusters == ["shipping-production-ledger", f"shipping-production-{other}"]


def test_a_database_with_the_value_of_another_layer_is_refused_in_one_line() -> None:
    with pytest.raises(ConfigurationError, match="parameter LoadBalancerGroupId cannot read both /shipping/staging/"):
        rendered(("databases/load-balancer", {}), (f"services/{SERVICE}/uses", {"load-balancer": "read"}))


@pytest.mark.no_cover
def test_only_services_that_use_the_database_reach_its_port() -> None:
    stacks = rendered(
        ("databases/parcel-rates", {"port": 6432}),
        (f"services/{SERVICE}/uses", {"parcel-rates": "read"}),
        ("services/printer", RAW["services"][SERVICE] | {"path_pattern": "/print/*"}),
    )
    rule = stacks[f"staging/ingress-{SERVICE}.yaml"]["Resources"]["ParcelRatesFromTasks"]["Properties"]

    assert (rule["GroupId"], rule["FromPort"], rule["ToPort"]) == ({"Ref": "ParcelRatesGroupId"}, 6432, 6432)
    assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": ["TasksGroup", "GroupId"]}
    assert "ParcelRates" not in str(stacks["staging/ingress-printer.yaml"])


def test_no_stack_reads_the_password_of_the_administrator() -> None:
    stacks = rendered(PARCELS, (f"services/{SERVICE}/uses", {"parcel-rates": "readwrite"}))

    assert [
        path for path, content in stacks.items() if "AdministratorSecretArn" in str(content.get("Parameters"))
    ] == []


def test_a_provided_database_is_not_created_and_its_values_are_used() -> None:
    provided = {
        "databases.ParcelRatesHost": "rates.example.internal",
        "databases.ParcelRatesGroupId": "sg-0123456789abcdef0",
        "databases.ParcelRatesResourceId": "db-ABCDEFGHIJKL01234",
    }
    stacks = rendered(
        PARCELS,
        (f"services/{SERVICE}/uses", {"parcel-rates": "read"}),
        ("environments/staging/provided", provided),
    )
    service = stacks[f"staging/service-{SERVICE}.yaml"]
    (container,) = service["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]

    assert "staging/databases.yaml" not in stacks
    assert "production/databases.yaml" in stacks
    assert {"Name": "PARCEL_RATES_DATABASE_HOST", "Value": "rates.example.internal"} in container["Environment"]
    assert statements(service)[0]["Resource"] == [
        {
            "Fn::Sub": "arn:${AWS::Partition}:rds-db:eu-central-1:222222222222:dbuser:"
            "db-ABCDEFGHIJKL01234/read_parcel_dispatcher"
        }
    ]


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ("prx-0f9d9414be09b1c57", False),
        ("prx-ABCDEFGHIJKL01234", False),
        ("db-ABCDEFGHIJKL01234", False),
        ("cluster-abc", True),
        ("proxy-ABC", True),
        ("prx-", True),
        ("prx-a/b", True),
    ],
)
def test_the_id_of_a_cluster_an_instance_or_a_proxy_can_be_provided(given: str, refused: bool) -> None:
    problem = DatabaseResourceId.problem_of(given)

    expected = f"{given!r} is not valid here; write an id such as cluster-ABCDEFGHIJKL01234" if refused else ""
    assert problem == expected


def test_without_a_database_in_the_configuration_there_is_no_such_stack() -> None:
    assert not databases.exists(environment())
    assert databases.exists(environment("staging", PARCELS))
