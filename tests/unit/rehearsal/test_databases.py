"""Databases for the tasks of a rehearsal. The servers and their proxies are fakes."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.errors import CicdError
from cicd_templates.local.data_api import Server as Connection
from cicd_templates.local.data_api import Servers
from cicd_templates.rehearsal import databases, postgresql
from cicd_templates.rehearsal.database_proxy import Refusal
from cicd_templates.rehearsal.pipeline_run import ActionFailedError, PipelineRun
from cicd_templates.rehearsal.result import ActionProgress
from cicd_templates.rehearsal.sessions import Credentials
from tests.unit.rehearsal.test_actions import Fake, made
from tests.unit.rehearsal.test_database_proxy import token

ROLE = "arn:aws:iam::222222222222:role/till-staging-shop-task"
KEYS = Credentials("ASIAKEY", "secret", "session")
PROGRAMS = Path("/programs")


def cluster(name: str, port: int = 5432) -> dict[str, Any]:
    return {
        "DBClusterArn": f"arn:aws:rds:eu-west-1:222222222222:cluster:till-staging-{name}",
        "DatabaseName": name,
        "Engine": "aurora-postgresql",
        "IAMDatabaseAuthenticationEnabled": True,
        "DbClusterResourceId": f"cluster-{name.upper()}",
        "Endpoint": f"{name}.rds.amazonaws.com",
        "Port": port,
        "HttpEndpointEnabled": False,
    }


class Server:
    """A fake server. Each of its users except `plain` is a member of the role for IAM."""

    socket = Path("/socket")
    connection = Connection("/programs/psql", "/folder", "administrator", "ledger")

    def __init__(self) -> None:
        self.scripts: list[str] = []

    def run_script(self, script: Path) -> None:
        self.scripts.append(script.read_text())

    def uses_iam(self, user: str) -> bool:
        return user != "plain"


class Place:
    """The servers that the fakes have started, by database, and the function with which each proxy refuses logins."""

    def __init__(self) -> None:
        self.servers: dict[str, Server] = {}
        self.refusals: list[Refusal] = []

    @contextlib.contextmanager
    def running(self, programs: Path, database: str) -> Iterator[Server]:
        assert programs == PROGRAMS
        self.servers[database] = Server()
        yield self.servers[database]
        del self.servers[database]

    def proxy(self, listener: socket.socket, server: Path, context: ssl.SSLContext, refuse: Refusal) -> Place:
        assert server == Server.socket
        listener.close()
        self.refusals.append(refuse)
        return self

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        yield


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place()
    monkeypatch.setattr(postgresql, "running", found.running)
    monkeypatch.setattr(databases, "DatabaseProxy", found.proxy)
    monkeypatch.setattr(databases, "_listen", lambda port: (socket.socket(), "127.9.8.7"))
    return found


def started(folder: Path, *clusters: dict[str, Any], **changes: Any) -> PipelineRun:
    return made(folder, Fake(describe_db_clusters={"DBClusters": list(clusters)}), **changes)


def source(folder: Path, *names: str) -> Path:
    (folder / "src/rehearsal").mkdir(parents=True)
    for name in names:
        (folder / f"src/rehearsal/{name}.sql").write_text(f"CREATE USER of_{name};")
    return folder / "src"


def step_of() -> ActionProgress:
    return ActionProgress("S/A", "Lambda")


VARIABLES = {"LEDGER_DATABASE_HOST": "ledger.rds.amazonaws.com", "LEDGER_DATABASE_PORT": "5432", "A": "b"}


def test_a_task_finds_its_database_with_the_users_of_the_script_until_the_rehearsal_ends(
    tmp_path: Path, place: Place
) -> None:
    run, step = started(tmp_path, cluster("ledger"), cluster("other")), step_of()

    with contextlib.ExitStack() as until:
        found = databases.Databases(tmp_path, until, PROGRAMS, Servers(tmp_path))
        changed = [found.addresses(run, step, source(tmp_path, "ledger"), VARIABLES, ROLE, KEYS)]
        changed.append(found.addresses(run, step, tmp_path / "src", VARIABLES, ROLE, Credentials("B", "s", "t")))
        assert place.servers["ledger"].scripts == ["CREATE USER of_ledger;"]
        assert "BEGIN CERTIFICATE" in Path(changed[0]["SSL_CERT_FILE"]).read_text()
    assert place.servers == {}
    # Both tasks share the server, and the database that none of them names is not started.
    assert changed[0] == changed[1]
    assert {name: changed[0][name] for name in ("LEDGER_DATABASE_HOST",)} == {"LEDGER_DATABASE_HOST": "127.9.8.7"}
    assert set(changed[0]) == {"LEDGER_DATABASE_HOST", "SSL_CERT_FILE", "PGSSLROOTCERT"}
    assert step.notes == [
        "the database ledger runs in a PostgreSQL server on this machine, and rehearsal/ledger.sql creates its users"
    ]


def test_a_database_with_the_data_api_needs_no_script_and_the_local_aws_finds_its_server(
    tmp_path: Path, place: Place
) -> None:
    ledger = cluster("ledger") | {"HttpEndpointEnabled": True}
    run, step, task = started(tmp_path, ledger), step_of(), step_of()
    servers = Servers(tmp_path)

    with contextlib.ExitStack() as until:
        found = databases.Databases(tmp_path, until, PROGRAMS, servers)
        assert found.start_for_function(run, step, f'{{"cluster": "{ledger["DBClusterArn"]}", "again": "{ledger}"}}')
        assert servers.find(ledger["DBClusterArn"]) == Server.connection
        # A script with users is ignored, because a release creates them.
        changed = found.addresses(run, task, source(tmp_path, "ledger"), VARIABLES, ROLE, KEYS)
        assert changed["LEDGER_DATABASE_HOST"] == "127.9.8.7"
        assert [server.scripts for server in place.servers.values()] == [[]]
    assert step.notes == task.notes
    assert step.notes == [
        "the database ledger runs in a PostgreSQL server on this machine, and the release creates its users"
    ]


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_a_function_whose_database_cannot_run_is_not_shown(tmp_path: Path, place: Place, partition: str) -> None:
    ledger = cluster("ledger")
    ledger["DBClusterArn"] = ledger["DBClusterArn"].replace("arn:aws:", f"arn:{partition}:")
    run, step = started(tmp_path, ledger), step_of()

    with contextlib.ExitStack() as until:
        found = databases.Databases(tmp_path, until, None, Servers(tmp_path))
        assert not found.start_for_function(run, step, ledger["DBClusterArn"])
        assert found.start_for_function(run, step, "no database")
    assert step.notes == ["not shown: the database ledger, because PostgreSQL is not installed on this machine"]


@pytest.mark.parametrize(
    ("scripts", "programs", "expected"),
    [
        (["other"], PROGRAMS, "because the source has no script rehearsal/ledger.sql to create the database users"),
        (["ledger"], None, "because PostgreSQL is not installed on this machine"),
    ],
    ids=["no script", "no PostgreSQL"],
)
def test_a_database_that_cannot_run_is_not_shown(
    tmp_path: Path, place: Place, scripts: list[str], programs: Path | None, expected: str
) -> None:
    run, step = started(tmp_path, cluster("ledger")), step_of()

    with contextlib.ExitStack() as until:
        found = databases.Databases(tmp_path, until, programs, Servers(tmp_path))
        assert found.addresses(run, step, source(tmp_path, *scripts), VARIABLES, ROLE, KEYS) == {}
    assert step.notes == [f"not shown: the database ledger, {expected}"]


def test_a_database_of_another_engine_is_not_shown(tmp_path: Path, place: Place) -> None:
    run, step = started(tmp_path, cluster("ledger") | {"Engine": "aurora-mysql"}), step_of()

    with contextlib.ExitStack() as until:
        found = databases.Databases(tmp_path, until, PROGRAMS, Servers(tmp_path))
        assert found.addresses(run, step, source(tmp_path, "ledger"), VARIABLES, ROLE, KEYS) == {}
    assert step.notes == ["not shown: the database ledger, because its engine is aurora-mysql, not PostgreSQL"]


def test_a_cluster_without_iam_authentication_accepts_no_token(tmp_path: Path, place: Place) -> None:
    run = started(tmp_path, cluster("ledger") | {"IAMDatabaseAuthenticationEnabled": False})

    with contextlib.ExitStack() as until:
        found = databases.Databases(tmp_path, until, PROGRAMS, Servers(tmp_path))
        found.addresses(run, step_of(), source(tmp_path, "ledger"), VARIABLES, ROLE, KEYS)
        (refuse,) = place.refusals
        expected = "the template of the cluster does not enable EnableIAMDatabaseAuthentication"
        assert refuse("readwrite_till", token("readwrite_till")) == expected


@pytest.mark.parametrize(
    ("keys", "user", "answer", "expected"),
    [
        (KEYS, "readwrite_till", "allowed", ""),
        (KEYS, "plain", "allowed", "the database has no user plain that is a member of rds_iam"),
        (KEYS, "readwrite_till", "implicitDeny", f"{ROLE} may not rds-db:connect on arn:aws:rds-db:eu-west-1:"),
        (
            Credentials("OTHER", "s", "t"),
            "readwrite_till",
            "allowed",
            "the token is not signed with the access key of a task",
        ),
        (
            Credentials("ASIAKEY", "forged", "session"),
            "readwrite_till",
            "allowed",
            "the signature of the token is wrong",
        ),
    ],
    ids=["allowed", "no member", "denied", "another session", "forged"],
)
def test_a_login_needs_a_token_of_the_task_and_a_right_to_connect_as_this_user(
    tmp_path: Path, place: Place, keys: Credentials, user: str, answer: str, expected: str
) -> None:
    run = started(tmp_path, cluster("ledger"))
    simulated = {"EvalDecision": answer, "EvalActionName": "rds-db:connect"}
    fake: Any = run.setup.root_session(ROLE).client("iam")
    fake._answers["simulate_principal_policy"] = {"EvaluationResults": [simulated]}

    with contextlib.ExitStack() as until:
        found = databases.Databases(tmp_path, until, PROGRAMS, Servers(tmp_path))
        found.addresses(run, step_of(), source(tmp_path, "ledger"), VARIABLES, ROLE, KEYS)
        (refuse,) = place.refusals
        assert refuse(user, token(user, keys=keys)).startswith(expected)
        assert bool(expected) == bool(refuse(user, token(user, keys=keys)))
    for request in (request for name, request in fake.asked if name == "simulate_principal_policy"):
        assert request == {
            "PolicySourceArn": ROLE,
            "ActionNames": ["rds-db:connect"],
            "ResourceArns": [f"arn:aws:rds-db:eu-west-1:222222222222:dbuser:cluster-LEDGER/{user}"],
        }
    assert issubclass(ActionFailedError, CicdError)


def test_each_database_gets_a_loopback_address_of_its_own_with_the_port_of_its_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listener, host = databases._listen(port)
        with listener:
            assert listener.getsockname() == (host, port)
            assert host.startswith("127.")

            def refuse(address: object) -> socket.socket:
                raise OSError("in use")

            monkeypatch.setattr(socket, "create_server", refuse)
            with pytest.raises(CicdError, match=f"port {port} is in use at every loopback address"):
                databases._listen(port)
