"""The RDS Data API of the local AWS. psql is a fake program that prints what it was asked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cicd_templates.local.data_api import DataApi, Server, Servers, denials, register
from cicd_templates.local.database_clusters import Secret

ARN = "arn:aws:rds:eu-west-1:222222222222:cluster:till-staging-ledger"
SECRET = Secret("arn:aws:secretsmanager:eu-west-1:222222222222:secret:rds!cluster-1", "arn:aws:kms:key")
CLUSTER = {"DbClusterResourceId": "cluster-A", "HttpEndpointEnabled": True}
REQUEST = {"resourceArn": ARN, "secretArn": SECRET.arn, "database": "ledger", "sql": "GRANT a TO b"}
NAME = [{"name": "name", "value": {"stringValue": "read_x"}}]


class Api:
    """The Data API of one cluster. `denied` are the denied actions, and `script` is the program psql."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cluster: dict[str, Any] | None = dict(CLUSTER)
        self.secrets = {"cluster-A": SECRET}
        self.denied: set[str] = set()
        self.servers = Servers(folder)

    def psql(self, script: str) -> None:
        program = self.folder / "psql"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        self.servers.add(ARN, Server(str(program), "/folder", "administrator", "ledger"))

    def ask(self, **changes: Any) -> tuple[int, Any]:
        api = DataApi(
            self.servers,
            self.secrets,
            lambda arn: self.cluster if arn == ARN else None,
            lambda headers, action, resource: action in self.denied,
            lambda data: (200, {}, json.dumps(data).encode()),
            lambda code, message, status: (status, {}, json.dumps([code, message]).encode()),
        )
        status, _, body = api.execute({}, json.dumps(REQUEST | changes).encode())
        return status, json.loads(body)


@pytest.fixture
def api(tmp_path: Path) -> Api:
    found = Api(tmp_path)
    found.psql("cat > asked; exit 0".replace("asked", str(tmp_path / "asked")))
    return found


def test_a_statement_runs_on_the_newest_server_of_the_cluster(api: Api, tmp_path: Path) -> None:
    assert api.ask() == (200, {"numberOfRecordsUpdated": 0, "generatedFields": []})
    assert (tmp_path / "asked").read_text() == "GRANT a TO b"


def test_a_value_goes_to_psql_as_a_variable_and_never_into_the_statement(api: Api, tmp_path: Path) -> None:
    api.psql(f'cat > "{tmp_path}/asked"; echo "$@" > "{tmp_path}/options"')

    assert api.ask(sql="ALTER x SET y = :name, z = 1::text", parameters=NAME)[0] == 200
    assert (tmp_path / "asked").read_text() == "ALTER x SET y = CAST(:'name' AS pg_catalog.varchar), z = 1::text"
    assert "--set name=read_x" in (tmp_path / "options").read_text()


def test_rows_have_fields_in_the_shape_of_the_data_api(api: Api) -> None:
    api.psql("""cat > /dev/null; echo '{"a": true, "b": 7, "c": 1.5, "d": "x", "e": null}'; echo '{"a": false}'""")

    status, answer = api.ask(sql="select * from x")
    assert (status, answer["records"]) == (
        200,
        [
            [{"booleanValue": True}, {"longValue": 7}, {"doubleValue": 1.5}, {"stringValue": "x"}, {"isNull": True}],
            [{"booleanValue": False}],
        ],
    )


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        (
            "psql:<stdin>:1: ERROR:  42704: role 'x' does not exist\nLOCATION:  acl.c:1",
            "ERROR: role 'x' does not exist; SQLState: 42704",
        ),
        ("psql: error: connection refused", "psql: error: connection refused"),
    ],
    ids=["a statement", "the server"],
)
def test_an_error_of_the_database_has_its_message_and_state(api: Api, stderr: str, expected: str) -> None:
    api.psql(f'cat > /dev/null; echo "{stderr}" >&2; exit 3')

    assert api.ask() == (400, ["DatabaseErrorException", expected])


@pytest.mark.parametrize(
    ("cluster", "changes", "code"),
    [
        (None, {}, "BadRequestException"),
        (CLUSTER, {"resourceArn": "arn:aws:rds:eu-west-1:333333333333:cluster:other"}, "BadRequestException"),
        ({**CLUSTER, "HttpEndpointEnabled": False}, {}, "HttpEndpointNotEnabledException"),
        ({**CLUSTER, "DbClusterResourceId": "cluster-B"}, {}, "SecretsErrorException"),
        (CLUSTER, {"secretArn": "arn:other"}, "SecretsErrorException"),
        (CLUSTER, {"database": "other"}, "DatabaseUnavailableException"),
        (CLUSTER, {"sql": "SELECT :other", "parameters": NAME}, "BadRequestException"),
        (CLUSTER, {"parameters": [{"name": "n", "value": {"longValue": 1}}]}, "BadRequestException"),
    ],
    ids=["none", "another", "no endpoint", "no secret", "wrong secret", "wrong database", "no value", "a number"],
)
def test_a_request_that_the_data_api_refuses_runs_nothing(
    api: Api, tmp_path: Path, cluster: dict[str, Any] | None, changes: dict[str, Any], code: str
) -> None:
    api.cluster = cluster

    assert api.ask(**changes)[1][0] == code
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    ("action", "code"),
    [("secretsmanager:GetSecretValue", "AccessDeniedException"), ("kms:Decrypt", "SecretsErrorException")],
)
def test_the_caller_needs_the_password_of_the_administrator(api: Api, tmp_path: Path, action: str, code: str) -> None:
    api.denied = {action}

    assert api.ask()[1][0] == code
    assert not (tmp_path / "asked").exists()


def test_a_secret_without_a_key_of_its_own_needs_no_right_to_decrypt(api: Api) -> None:
    api.secrets["cluster-A"] = Secret(SECRET.arn, "")
    api.denied = {"kms:Decrypt"}

    assert api.ask()[0] == 200


def test_a_cluster_without_a_server_is_not_available(tmp_path: Path) -> None:
    assert Api(tmp_path).ask()[1][0] == "DatabaseUnavailableException"


def test_iam_decides_about_the_password_as_if_secrets_manager_asked() -> None:
    asked: list[tuple[Any, ...]] = []

    def enforce(key: str, action: str, service: str, region: str, **more: Any) -> object:
        asked.append((key, action, service, region, more))
        return None if service == "kms" else "a refusal"

    is_denied = denials(enforce, lambda headers: headers["key"], lambda: "eu-west-1")
    assert is_denied({"key": "ASIA"}, "secretsmanager:GetSecretValue", "arn:secret")
    assert not is_denied({"key": "ASIA"}, "kms:Decrypt", "arn:key")
    through = {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}
    assert asked == [
        (
            "ASIA",
            "secretsmanager:GetSecretValue",
            "secretsmanager",
            "eu-west-1",
            {"resource_arn": "arn:secret", "service_context": None},
        ),
        ("ASIA", "kms:Decrypt", "kms", "eu-west-1", {"resource_arn": "arn:key", "service_context": through}),
    ]


def test_only_the_execution_of_statements_is_replaced() -> None:
    async def original(*request: Any) -> Any:
        return "original", request[1]

    module: Any = SimpleNamespace(handle_request=original)
    api: Any = SimpleNamespace(execute=lambda headers, body: ("ours", body))
    register(module, api)

    assert asyncio.run(module.handle_request("POST", "/Execute", {}, b"{}", {})) == ("ours", b"{}")
    assert asyncio.run(module.handle_request("POST", "/BeginTransaction", {}, b"", {})) == (
        "original",
        "/BeginTransaction",
    )
