"""Databases whose users releases create: who may act as the administrator, and when the pipeline creates the users."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from cicd_templates.blocks.database_users import database_users
from cicd_templates.errors import ConfigurationError
from cicd_templates.functions import database_users as function
from tests.conftest import RAW, environment, rendered_stacks

NAME = "parcel-dispatcher"
LEDGER: tuple[str, Any] = ("databases/user-ledger", {"users": "created", "database_name": "user_2"})
OTHERS: list[tuple[str, Any]] = [
    ("services/write-read", RAW["services"][NAME] | {"path_pattern": "/w/*", "uses": {"user-ledger": "read"}}),
    ("services/read", RAW["services"][NAME] | {"path_pattern": "/r/*", "uses": {"user-ledger": "readwrite"}}),
    ("services/free", RAW["services"][NAME] | {"path_pattern": "/f/*"}),
]
USES = (f"services/{NAME}/uses", {"user-ledger": "readwrite"})
ROLE = "UserLedgerUsersRole"
IN_ONE_ACCOUNT: list[tuple[str, Any]] = [
    edit
    for name in ("staging", "production")
    for edit in (
        (f"environments/{name}/account", "111111111111"),
        (f"environments/{name}/certificate_arn", "arn:aws:acm:eu-central-1:111111111111:certificate/1"),
    )
]


def rendered(*edits: tuple[str, Any]) -> dict[str, Any]:
    return {stack.path.removesuffix(".yaml"): stack.template.content for stack in rendered_stacks(LEDGER, USES, *edits)}


@pytest.fixture(scope="module")
def stacks() -> dict[str, Any]:
    return rendered(*OTHERS)


def stages(stacks: dict[str, Any], service: str) -> dict[str, dict[str, int]]:
    pipeline = stacks[f"tools/pipeline-{service}"]["Resources"]["Pipeline"]["Properties"]
    return {
        stage["Name"]: {action["Name"]: action["RunOrder"] for action in stage["Actions"]}
        for stage in pipeline["Stages"]
    }


def statements(stacks: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the statements of all roles, each with the stack and the logical id of its role."""
    return [
        (f"{path} {logical_id}", statement)
        for path, content in stacks.items()
        for logical_id, resource in content["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
        for policy in resource["Properties"].get("Policies", ())
        for statement in policy["PolicyDocument"]["Statement"]
    ]


@pytest.mark.no_cover
def test_by_default_nothing_of_it_is_rendered() -> None:
    by_hand = {stack.path: stack.template.content for stack in rendered_stacks(("databases/user-ledger", {}), USES)}

    assert "tools/database-users.yaml" not in by_hand
    assert "EnableHttpEndpoint" not in json.dumps(by_hand)
    assert not [path for path, content in by_hand.items() if "CreateUsers" in json.dumps(content["Resources"])]
    assert ROLE not in by_hand["staging/databases.yaml"]["Resources"]


def test_a_database_that_no_service_uses_has_no_users_and_no_role() -> None:
    unused = {stack.path: stack.template.content for stack in rendered_stacks(LEDGER)}

    assert "tools/database-users.yaml" not in unused
    assert ROLE not in unused["staging/databases.yaml"]["Resources"]


def test_the_stack_of_the_database_publishes_each_user_with_its_privileges(stacks: dict[str, Any]) -> None:
    found = stacks["production/databases"]["Resources"]

    assert found["UserLedgerCluster"]["Properties"]["EnableHttpEndpoint"] is True
    assert found["UserLedgerUsersParameter"]["Properties"]["Value"] == {
        "Fn::Join": [
            ",",
            [
                "readwrite_parcel_dispatcher:USAGE:CREATE",
                "readwrite_read:USAGE:CREATE",
                "read_write_read:USAGE",
            ],
        ]
    }
    for entry in found["UserLedgerUsersParameter"]["Properties"]["Value"]["Fn::Join"][1]:
        assert function._read_user(entry) == (entry.split(":")[0], entry.split(":")[1:])


@pytest.mark.parametrize("place", ["staging", "production"])
def test_only_one_role_may_act_as_the_administrator_and_only_on_this_cluster(
    stacks: dict[str, Any], place: str
) -> None:
    administrators = {
        role
        for role, statement in statements(stacks)
        if "rds-data:ExecuteStatement" in statement["Action"] or "AdministratorSecret" in json.dumps(statement)
    }
    role = stacks[f"{place}/databases"]["Resources"][ROLE]["Properties"]
    (policy,) = role["Policies"]
    found = {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}
    account = {"staging": "222222222222", "production": "333333333333"}[place]

    assert administrators == {f"staging/databases {ROLE}", f"production/databases {ROLE}"}
    assert found["RunStatements"]["Resource"] == [
        {"Fn::Sub": f"arn:${{AWS::Partition}}:rds:eu-central-1:{account}:cluster:shipping-{place}-user-ledger"}
    ]
    assert found["LetTheDataApiReadThePassword"]["Resource"] == [
        {"Fn::GetAtt": ["UserLedgerCluster", "MasterUserSecret.SecretArn"]}
    ]
    assert found["LetTheDataApiDecryptThePassword"]["Condition"] == {
        "StringEquals": {"kms:ViaService": ["secretsmanager.eu-central-1.amazonaws.com"]}
    }
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"]["ArnEquals"]["aws:PrincipalArn"] == [
        {"Fn::Sub": "arn:${AWS::Partition}:iam::111111111111:role/shipping-tools-database-users-function"}
    ]


def test_the_function_may_assume_exactly_the_roles_of_the_databases(stacks: dict[str, Any]) -> None:
    found = {
        statement["Sid"]: statement for role, statement in statements(stacks) if role.startswith("tools/database-users")
    }
    assert found["WorkOnTheDatabases"]["Resource"] == [
        {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::{account}:role/shipping-{name}-database-users-user-ledger"}
        for name, account in (("staging", "222222222222"), ("production", "333333333333"))
    ]


def test_users_are_created_after_the_approval_and_before_the_service_moves(stacks: dict[str, Any]) -> None:
    found = stages(stacks, NAME)
    names = list(found)
    production = found["Production"]

    # A stage of its own does not roll back and can be retried.
    assert found["Staging-DatabaseUsers"] == {"CreateUsersStagingUserLedger": 1}
    assert names.index("Staging-DatabaseUsers") == names.index("Staging") - 1
    assert (
        production["Approve"]
        < production["CreateUsersProductionUserLedger"]
        < production["CheckProduction"]
        < production["Execute"]
    )
    assert "CreateUsers" not in json.dumps(stages(stacks, "free"))


@pytest.mark.no_cover
def test_users_are_created_before_the_migration_which_connects_as_one_of_them() -> None:
    found = stages(rendered((f"services/{NAME}/migration", ["python3"])), NAME)
    names = list(found)
    production = found["Production"]

    assert [name for name in names if name.startswith("Staging")] == [
        "Staging-DatabaseUsers",
        "Staging-Migration",
        "Staging",
    ]
    assert (
        production["Approve"]
        < production["CreateUsersProductionUserLedger"]
        < production["CheckProduction"]
        < production["ExecuteMigration"]
        < production["MigrateProduction"]
    )


@pytest.mark.parametrize(
    ("edits", "account"),
    [([], "222222222222"), (IN_ONE_ACCOUNT, "111111111111")],
    ids=["accounts", "one account"],
)
@pytest.mark.no_cover
def test_the_action_names_the_role_the_cluster_and_where_the_users_are(
    edits: list[tuple[str, Any]], account: str
) -> None:
    stacks = rendered(*edits)
    pipeline = stacks[f"tools/pipeline-{NAME}"]["Resources"]["Pipeline"]["Properties"]
    (action,) = [
        action
        for stage in pipeline["Stages"]
        for action in stage["Actions"]
        if action["Name"] == "CreateUsersStagingUserLedger"
    ]
    parameters = json.loads(action["Configuration"]["UserParameters"]["Fn::Sub"])
    published = [
        resource["Properties"]["Name"]
        for resource in stacks["staging/databases"]["Resources"].values()
        if resource["Type"] == "AWS::SSM::Parameter"
    ]

    assert parameters.keys() == function.REQUIRED
    assert parameters == {
        "role": f"arn:${{AWS::Partition}}:iam::{account}:role/shipping-staging-database-users-user-ledger",
        "region": "eu-central-1",
        "cluster": f"arn:${{AWS::Partition}}:rds:eu-central-1:{account}:cluster:shipping-staging-user-ledger",
        "database": "user_2",
        "users": "/shipping/staging/databases/UserLedgerUsers",
        "secret": "/shipping/staging/databases/UserLedgerAdministratorSecretArn",
    }
    assert {parameters["users"], parameters["secret"]} <= set(published)


@pytest.mark.no_cover
def test_users_of_one_environment_can_be_made_by_hand() -> None:
    by_hand = ("environments/production/databases", {"user-ledger": {"users": "by hand"}})
    stacks = rendered(by_hand)

    assert "CreateUsersProduction" not in json.dumps(stages(stacks, NAME))
    assert "EnableHttpEndpoint" not in stacks["production/databases"]["Resources"]["UserLedgerCluster"]["Properties"]
    assert ROLE in stacks["staging/databases"]["Resources"]


def test_more_users_than_parameter_store_can_hold_are_refused_in_one_line() -> None:
    env = environment("staging", LEDGER, USES)
    many = tuple(env.services[0]._replace(name=f"a-service-with-a-name{number}") for number in range(100))

    with pytest.raises(
        ConfigurationError,
        match=r"the list of the database's users has 4,\d+ characters, but AWS accepts at most 4,096; set",
    ):
        database_users(dataclasses.replace(env, services=many), "user-ledger")
