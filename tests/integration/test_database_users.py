"""A release creates the users of a database that three services use, before its migration needs one of them."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.functions import database_users
from cicd_templates.local.data_api import DataApi, Server, Servers
from cicd_templates.local.database_clusters import Secret
from cicd_templates.local.iam_decisions import ALLOWED, DENIED
from cicd_templates.rehearsal import postgresql, service_process
from cicd_templates.rehearsal.result import ActionProgress, ActionState
from tests.conftest import ROOT
from tests.integration.rehearsed_example import Rehearsed, rehearsed
from tests.projects.rendering import SETTLEMENT_WEB, rendered_project

pytestmark = [
    pytest.mark.integration,
    pytest.mark.long,
    pytest.mark.skipif(postgresql.find_programs() is None, reason="PostgreSQL is not installed"),
]
STAGING = "Staging-DatabaseUsers/CreateUsersStagingLedger"
PRODUCTION = "Production/CreateUsersProductionLedger"
ROLE = "clearing-staging-database-users-ledger"
CLUSTER = "arn:aws:rds:eu-central-1:111111111111:cluster:clearing-staging-ledger"
SECRET = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:rds!cluster-1"
# PostgreSQL has operators for `name` and these types, and looks for its own first.
BUILT_IN = {"name", "text"}
OWNER, WORKER, READER = "readwrite_payment_processor", "readwrite_settlement", "read_settlement_report"
# The rights of the role in staging, and a part of the message without each of them.
NEEDED = {
    ("ReadTheUsers", "ssm:GetParameter"): "(AccessDeniedException) when calling the GetParameter operation",
    (
        "RunStatements",
        "rds-data:ExecuteStatement",
    ): "(AccessDeniedException) when calling the ExecuteStatement operation",
    (
        "LetTheDataApiReadThePassword",
        "secretsmanager:GetSecretValue",
    ): "The caller may not read arn:aws:secretsmanager:",
    # AWS has the same error for a secret that cannot be read in time, so the function tries again.
    ("LetTheDataApiDecryptThePassword", "kms:Decrypt"): "still has no result after",
}


def sql(server: Server, user: str, statement: str) -> str:
    """Run a statement as a user, and return its output or its error."""
    command = [server.psql, "--no-psqlrc", "-qtA", "--host", server.folder, "--username", user]
    done = subprocess.run(
        [*command, "--dbname", server.database, "--command", statement],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    return (done.stdout + done.stderr).strip()


def failed(passed: Rehearsed, path: str) -> str:
    step = passed.again(path)
    assert step.state is ActionState.FAILED
    return step.error


def test_a_release_creates_the_users_and_only_one_role_may(tmp_path: Path) -> None:
    app = ROOT / "examples/settlement"
    with rehearsed(tmp_path, app, rendered_project("database-users") / "out", SETTLEMENT_WEB) as passed:
        assert [(step.path, step.error) for step in passed.rehearsal.result.failed] == []
        assert passed.rehearsal.result.succeeded
        paths = [step.path for step in passed.rehearsal.result.steps]
        for before, users, after in (
            ("Build/Sign", STAGING, "Staging-Migration/ExecuteMigration"),
            ("Production/Approve", PRODUCTION, "Production/ExecuteMigration"),
        ):
            assert paths.index(before) < paths.index(users) < paths.index(after)
            outcome = passed.run.variables[users.partition("/")[2]]
            assert outcome == {"Users": f"created {OWNER}, {WORKER}, {READER}"}
        server = Servers(passed.engine.folder).find(CLUSTER)
        assert server is not None
        assert_users_have_only_their_rights(server)
        assert_a_repetition_changes_nothing(passed, server)
        assert_the_task_needs_its_user(passed, server)
        assert_each_right_is_needed(passed)
        assert_the_message_of_the_database_stops_the_release(passed, server)


def assert_users_have_only_their_rights(server: Server) -> None:
    # The migration connected as its own user, and made the table.
    assert sql(server, OWNER, "SELECT count(*) FROM bookings") == "1"
    assert "permission denied for table bookings" in sql(server, WORKER, "SELECT * FROM bookings")
    assert sql(server, WORKER, "CREATE TABLE own (id int)") == ""
    assert "permission denied for schema public" in sql(server, READER, "CREATE TABLE own_2 (id int)")
    assert "permission denied to create role" in sql(server, OWNER, "CREATE ROLE other")


def assert_a_repetition_changes_nothing(passed: Rehearsed, server: Server) -> None:
    before = sql(server, "administrator", "SELECT * FROM pg_roles ORDER BY 1")
    step = passed.again(STAGING)
    assert step.state is ActionState.SUCCEEDED
    assert "all_2: all users exist" in step.log
    assert sql(server, "administrator", "SELECT * FROM pg_roles ORDER BY 1") == before
    # One of them is missing.
    sql(server, "administrator", f"DROP OWNED BY {READER}; DROP ROLE {READER}")
    assert f"all_2: created {READER}" in passed.again(STAGING).log


def assert_the_task_needs_its_user(passed: Rehearsed, server: Server) -> None:
    step, deployed = ActionProgress("Staging/Probe", "CloudFormation"), passed.action("Staging/Execute")
    with service_process.serve(passed.run, step, deployed) as url:
        assert pay(url, "paid") == 201
        sql(server, "administrator", f"ALTER ROLE {OWNER} RENAME TO kept")
        with pytest.raises(RemoteDisconnected):
            pay(url, "refused")
        sql(server, "administrator", f"ALTER ROLE kept RENAME TO {OWNER}")
        assert pay(url, "paid-again") == 201


HOSTILE = """
CREATE FUNCTION take(name, {type}) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF current_user = 'administrator' THEN EXECUTE 'ALTER ROLE {owner} CREATEROLE'; END IF;
    RETURN $1::text OPERATOR(pg_catalog.=) $2::text;
END $$;
CREATE OPERATOR = (FUNCTION = take, LEFTARG = name, RIGHTARG = {type});
"""


@pytest.mark.parametrize("type_of_value", ["name", "text", "varchar", "bpchar"])
def test_an_operator_of_a_service_never_runs_as_the_administrator(tmp_path: Path, type_of_value: str) -> None:
    programs = postgresql.find_programs()
    assert programs is not None
    with postgresql.running(programs, "ledger") as running:
        server = running.connection
        servers = Servers(tmp_path)
        servers.add(CLUSTER, server)
        api = DataApi(
            servers,
            {"cluster-A": Secret(SECRET, "")},
            lambda arn: {"DbClusterResourceId": "cluster-A", "HttpEndpointEnabled": True},
            lambda headers, action, resource: False,
            lambda data: (200, {}, json.dumps(data).encode()),
            lambda code, message, status: (status, {}, message.encode()),
        )

        def execute(statement: str, **values: str) -> list[list[dict[str, Any]]]:
            parameters = [{"name": name, "value": {"stringValue": value}} for name, value in values.items()]
            request = {"resourceArn": CLUSTER, "secretArn": SECRET, "database": "ledger", "sql": statement}
            status, _, body = api.execute({}, json.dumps(request | {"parameters": parameters}).encode())
            assert status == 200, body
            found: list[list[dict[str, Any]]] = json.loads(body).get("records", [])
            return found

        assert database_users._create_user(execute, OWNER, ["USAGE", "CREATE"])
        assert sql(server, OWNER, HOSTILE.format(type=type_of_value, owner=OWNER)) == ""
        rights = "SELECT rolname FROM pg_roles WHERE rolcreaterole AND NOT rolsuper"

        assert not database_users._create_user(execute, OWNER, ["USAGE", "CREATE"])
        assert sql(server, "administrator", rights) == ""
        # The operator is one that a query without schemas runs.
        execute(f"SELECT 1 AS one WHERE CAST('a' AS name) = CAST('a' AS {type_of_value})")
        assert sql(server, "administrator", rights) == ("" if type_of_value in BUILT_IN else OWNER)


def pay(url: str, payment: str) -> int:
    body = json.dumps({"payment_id": payment, "amount": 1250}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/payments", body)) as answer:  # noqa: S310 - on loopback
        status: int = answer.status
        return status


def assert_each_right_is_needed(passed: Rehearsed) -> None:
    for (statement, action), message in NEEDED.items():
        with passed.without(ROLE, statement, action):
            before = len(passed.run.setup.calls.rows())
            assert message in failed(passed, STAGING)
        rows = [row for row in passed.run.setup.calls.rows()[before:] if f"/{ROLE}/" in row[0]]
        assert {row[1] for row in rows if row[3] == DENIED} == {action}
    used = {row[1] for row in passed.run.setup.calls.rows() if f"/{ROLE}/" in row[0] and row[3] == ALLOWED}
    assert used == {action for _, action in NEEDED}


def assert_the_message_of_the_database_stops_the_release(passed: Rehearsed, server: Server) -> None:
    sql(server, "administrator", "ALTER ROLE rds_iam RENAME TO other")
    assert failed(passed, STAGING).endswith('ERROR: role "rds_iam" does not exist; SQLState: 42704')
    sql(server, "administrator", "ALTER ROLE other RENAME TO rds_iam")
