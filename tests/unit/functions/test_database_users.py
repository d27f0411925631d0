"""The function that creates the users of databases. botocore's models check its calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cicd_templates.functions import database_users
from tests.unit.functions.test_functions import CREDENTIALS, JOB, Aws, job

SECRET = "arn:aws:secretsmanager:eu-central-1:222222222222:secret:rds!cluster-1-abcdef"
ASKED = {
    "role": "arn:aws:iam::222222222222:role/till-staging-database-users-ledger",
    "region": "eu-central-1",
    "cluster": "arn:aws:rds:eu-central-1:222222222222:cluster:till-staging-ledger",
    "database": "ledger",
    "users": "/till/staging/databases/LedgerUsers",
    "secret": "/till/staging/databases/LedgerAdministratorSecretArn",
}
NOW = 1_800_000_000
USERS = "read_reports:USAGE,readwrite_till:USAGE:CREATE"
FIND = "SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) CAST(:name AS pg_catalog.name)"
DONE: dict[str, Any] = {"numberOfRecordsUpdated": 0, "generatedFields": []}


class Database(Aws):
    """A database with its roles and whether they can log in. `errors` has the errors of the next statements."""

    def __init__(self) -> None:
        super().__init__()
        self.roles: dict[str, bool] = {}
        self.granted: list[str] = []
        self.errors: list[tuple[str, str]] = []
        self.listed = USERS
        self.answer("AssumeRole", {"Credentials": CREDENTIALS})
        self.answer("GetParameter", self._parameter)
        self.answer("ExecuteStatement", self._execute)

    def _parameter(self, request: dict[str, Any]) -> dict[str, Any]:
        value = {ASKED["users"]: self.listed, ASKED["secret"]: SECRET}[request["Name"]]
        return {"Parameter": {"Value": value}}

    def _execute(self, request: dict[str, Any]) -> Any:
        assert (request["resourceArn"], request["secretArn"], request["database"]) == (
            ASKED["cluster"],
            SECRET,
            "ledger",
        )
        if self.errors:
            code, message = self.errors.pop(0)
            known: type[ClientError] = self.client("rds-data").exceptions.from_code(code)
            raise known({"Error": {"Code": code, "Message": message}}, "ExecuteStatement")
        sql = request["sql"]
        if sql.startswith("SELECT"):
            (parameter,) = request["parameters"]
            found = self.roles.get(parameter["value"]["stringValue"])
            return {"numberOfRecordsUpdated": 0, "records": [] if found is None else [[{"booleanValue": found}]]}
        verb, _, rest = sql.partition(" ")
        if verb == "GRANT":
            self.granted.append(rest)
        else:
            self.roles[rest.split('"')[1]] = True
        return DONE

    def statements(self) -> list[str]:
        return [request["sql"] for name, request in self.calls if name == "ExecuteStatement"]

    def invoke(self, token: str = "", **changes: str) -> dict[str, Any]:
        """Invoke the function, and return its answer to the job."""
        self.calls.clear()
        event = job(ASKED | changes)
        if token:
            event["CodePipeline.job"]["data"]["continuationToken"] = token
        database_users.handler(event, None)
        _, answer = self.put()
        assert answer.pop("jobId") == JOB
        return answer

    def refusal(self, token: str = "", **changes: str) -> str:
        message: str = self.invoke(token, **changes)["failureDetails"]["message"]
        return message


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    fake = Database()
    monkeypatch.setattr("boto3.client", fake.client)
    monkeypatch.setattr("time.time", lambda: NOW)
    return fake


def test_missing_users_are_created_with_exactly_their_privileges(database: Database) -> None:
    assert database.invoke() == {"outputVariables": {"Users": "created read_reports, readwrite_till"}}
    assert database.statements() == [
        FIND,
        'CREATE ROLE "read_reports" LOGIN',
        'GRANT rds_iam TO "read_reports"',
        'GRANT USAGE ON SCHEMA public TO "read_reports"',
        FIND,
        'CREATE ROLE "readwrite_till" LOGIN',
        'GRANT rds_iam TO "readwrite_till"',
        'GRANT USAGE, CREATE ON SCHEMA public TO "readwrite_till"',
    ]
    assert {request["RoleArn"] for name, request in database.calls if name == "AssumeRole"} == {ASKED["role"]}


def test_a_repetition_creates_nothing_and_grants_again_what_somebody_may_have_revoked(database: Database) -> None:
    database.invoke()
    database.granted.clear()

    assert database.invoke() == {"outputVariables": {"Users": "all users exist"}}
    assert not [sql for sql in database.statements() if sql.startswith(("CREATE", "ALTER"))]
    assert len(database.granted) == 4


def test_a_user_that_cannot_log_in_can_afterwards(database: Database) -> None:
    database.roles = {"read_reports": False, "readwrite_till": True}

    assert database.invoke() == {"outputVariables": {"Users": "all users exist"}}
    assert [sql for sql in database.statements() if sql.startswith("ALTER")] == ['ALTER ROLE "read_reports" LOGIN']


@pytest.mark.parametrize("failures", [1, 2])
def test_a_statement_that_meets_that_of_another_pipeline_is_repeated(database: Database, failures: int) -> None:
    database.errors = [("DatabaseErrorException", "tuple concurrently updated; SQLState: XX000")] * failures

    assert "outputVariables" in database.invoke()
    assert len(database.granted) == 4


def test_a_database_that_keeps_refusing_stops_the_release_with_its_message(database: Database) -> None:
    database.errors = [("DatabaseErrorException", 'ERROR: role "rds_iam"\nis\x1b[31m gone; SQLState: 42704')] * 3

    assert database.refusal() == (
        "DatabaseErrorException: An error occurred (DatabaseErrorException) when calling the ExecuteStatement"
        ' operation: ERROR: role "rds_iam" is [31m gone; SQLState: 42704'
    )


# The errors of ExecuteStatement that can pass.
TRANSIENT = {
    "DatabaseResumingException",
    "DatabaseUnavailableException",
    "InternalServerErrorException",
    "InvalidResourceStateException",
    "SecretsErrorException",
    "ServiceUnavailableError",
    "StatementTimeoutException",
}


@pytest.mark.parametrize("code", [*sorted(TRANSIENT), "ThrottlingException"])
def test_an_error_that_can_pass_is_tried_again_for_a_quarter_of_an_hour(
    database: Database, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    database.errors = [(code, "later")]
    token = database.invoke()["continuationToken"]
    assert json.loads(token) == NOW
    database.errors = [(code, "later")]
    monkeypatch.setattr("time.time", lambda: NOW + database_users.ERROR_SECONDS - 1)
    assert database.invoke(token)["continuationToken"] == token
    database.errors = [(code, "later")]
    monkeypatch.setattr("time.time", lambda: NOW + database_users.ERROR_SECONDS)
    assert code in database.refusal(token)
    assert "outputVariables" in database.invoke(token)


@pytest.mark.parametrize(
    "code",
    [
        "AccessDeniedException",
        "BadRequestException",
        "DatabaseNotFoundException",
        "ForbiddenException",
        "HttpEndpointNotEnabledException",
        "InvalidSecretException",
        "UnsupportedResultException",
    ],
)
def test_an_error_that_stays_fails_at_once(database: Database, code: str) -> None:
    database.errors = [(code, "no")]

    assert database.refusal().startswith(f"{code}: An error occurred ({code})")
    assert len(database.statements()) == 1


def test_every_error_of_the_data_api_is_either_repeated_or_not() -> None:
    model = Aws().client("rds-data").meta.service_model.operation_model("ExecuteStatement")
    assert {shape.name for shape in model.error_shapes} - {*database_users.PERMANENT} == TRANSIENT


def test_a_lost_connection_is_tried_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(request: dict[str, Any]) -> Any:
        raise EndpointConnectionError(endpoint_url="https://rds-data")

    broken: Callable[[dict[str, Any]], Any] = lose
    database.answers["ExecuteStatement"] = [broken]
    assert json.loads(database.invoke()["continuationToken"]) == NOW


@pytest.mark.parametrize(
    "listed",
    [
        'read_x"; DROP ROLE administrator; --:USAGE',
        "administrator:USAGE",
        "read_reports",
        "read_reports:USAGE:SUPERUSER",
        "read_reports:",
        "",
        f"{USERS},Read_x:USAGE",
    ],
)
def test_a_text_that_the_configuration_cannot_produce_never_becomes_a_statement(
    database: Database, listed: str
) -> None:
    database.listed = listed

    assert "write a user name and its privileges" in database.refusal()
    assert database.statements() == []


def test_parameters_that_are_not_ours_are_refused(database: Database) -> None:
    assert database.refusal(more="x").startswith("ValueError: the user parameters must be")


def test_a_request_that_is_not_valid_is_not_repeated(database: Database) -> None:
    database.answers["ExecuteStatement"] = [DONE]
    assert database.refusal(cluster="short").startswith("ParamValidationError")
