"""The PostgreSQL server of a rehearsal. Scripts replace PostgreSQL's programs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cicd_templates.errors import CicdError
from cicd_templates.local.data_api import Server as Connection
from cicd_templates.rehearsal import postgresql

INITDB = 'mkdir -p "$7"\n'
# Writes down that it runs, and ends when it is told to shut down.
POSTGRES = "trap 'exit 0' QUIT\ntouch \"$4/up\"\nwhile :; do sleep 0.01; done\n"
# Refuses connections until the server is up. It keeps its options and its input.
PSQL = """folder=$8
[ -f "$folder/up" ] || { echo "no server" >&2; exit 2; }
echo "$@" >> "$folder/asked"
read -r line
echo "$line" >> "$folder/asked"
case "$line" in
  *FAILS*) echo "ERROR: FAILS" >&2; exit 3 ;;
  *pg_has_role*) echo 1 ;;
esac
"""


def programs(folder: Path, **scripts: str) -> Path:
    """Return a folder with scripts, which every user can run."""
    chosen = {"initdb": INITDB, "postgres": POSTGRES, "psql": PSQL, **scripts}
    target = folder / "15/bin"
    target.mkdir(parents=True)
    for name, text in chosen.items():
        (target / name).write_text(f"#!/bin/sh\n{text}")
        (target / name).chmod(0o755)
    return target


@pytest.fixture
def plain_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the scripts as the user of the test, because another user could not read the test's folder.

    A shell cannot handle a signal that was ignored when it was started, such as SIGQUIT in a background job.
    """
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(postgresql, "STOP_SECONDS", 0.5)


@pytest.mark.usefixtures("plain_user")
def test_a_server_that_does_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "STOP_SECONDS", 0.1)
    scripts = {"postgres": POSTGRES.replace("'exit 0'", "''")}
    with postgresql.running(programs(tmp_path, **scripts), "ledger") as server:
        assert server.folder.exists()
    assert not server.folder.exists()


@pytest.mark.usefixtures("plain_user")
def test_a_server_has_a_database_and_the_role_of_rds_and_leaves_nothing(tmp_path: Path) -> None:
    script = tmp_path / "users.sql"
    script.write_text("CREATE USER a;\n")

    with postgresql.running(programs(tmp_path), "ledger") as server:
        server.run_script(script)
        assert server.uses_iam("a")
        asked = (server.folder / "asked").read_text()
        assert server.socket.parent == server.folder
        assert server.folder.stat().st_mode & 0o077 == 0
    assert not server.folder.exists()
    assert 'CREATE ROLE rds_iam; CREATE DATABASE "ledger"' in asked
    assert "--dbname ledger --single-transaction --file -\nCREATE USER a;" in asked
    assert "--set name=a --set role=rds_iam --file -" in asked


@pytest.mark.usefixtures("plain_user")
def test_a_server_that_does_not_answer_at_once_is_asked_again(tmp_path: Path) -> None:
    refuses_once = f"[ -f {tmp_path}/asked ] || {{ touch {tmp_path}/asked; exit 2; }}\n"
    with postgresql.running(programs(tmp_path, psql=refuses_once + PSQL), "ledger") as server:
        assert (server.folder / "asked").exists()


@pytest.mark.usefixtures("plain_user")
@pytest.mark.parametrize(
    ("scripts", "expected"),
    [
        ({"initdb": "echo no space >&2\nexit 1\n"}, "PostgreSQL could not be set up: no space"),
        ({"postgres": "echo no memory\nexit 1\n"}, "PostgreSQL does not start: no memory"),
        ({"psql": "exit 1\n"}, "PostgreSQL does not start: "),
    ],
    ids=["initdb", "postgres", "no answer"],
)
def test_a_server_that_does_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripts: dict[str, str], expected: str
) -> None:
    if "psql" in scripts:
        monkeypatch.setattr(postgresql, "READY_SECONDS", 0.01)

    with pytest.raises(CicdError) as caught, postgresql.running(programs(tmp_path, **scripts), "ledger"):
        pass
    assert str(caught.value).startswith(expected)


@pytest.mark.usefixtures("plain_user")
def test_a_statement_that_fails_is_named(tmp_path: Path) -> None:
    script = tmp_path / "users.sql"
    script.write_text("CREATE USER FAILS;\n")

    with (
        postgresql.running(programs(tmp_path), "ledger") as server,
        pytest.raises(CicdError, match=r"^the database ledger: ERROR: FAILS$"),
    ):
        server.run_script(script)


def test_root_runs_the_server_as_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(postgresql, "USERS", ("no-such-user", "nobody"))
    options = postgresql._options()
    assert options["user"] != 0
    assert options["extra_groups"] == []

    monkeypatch.setattr(postgresql, "USERS", ("no-such-user",))
    with pytest.raises(CicdError, match="none of the users no-such-user exists"):
        postgresql._options()


def test_the_folder_of_the_server_belongs_to_the_user_who_runs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "chown", lambda path, user, group: owners.append((user, group)))
    monkeypatch.setattr(postgresql, "_options", lambda: {"user": os.getuid(), "group": os.getgid()})
    broken = programs(tmp_path, initdb="exit 1\n")

    with pytest.raises(CicdError, match="could not be set up"), postgresql.running(broken, "ledger"):
        pass
    assert owners == [(os.getuid(), os.getgid())]


def test_the_newest_installed_server_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = postgresql.PROGRAMS
    for version, names in (("9.6", every), ("15", every), ("old", every), ("17", ("psql",))):
        (tmp_path / version / "bin").mkdir(parents=True)
        for name in names:
            (tmp_path / version / "bin" / name).touch(mode=0o755)
    assert postgresql.find_programs(tmp_path) == tmp_path / "15/bin"

    monkeypatch.setenv("PATH", str(tmp_path / "15/bin"))
    assert postgresql.find_programs(tmp_path / "none") == tmp_path / "15/bin"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert postgresql.find_programs(tmp_path / "none") is None


def test_another_process_can_reach_the_server_as_the_administrator(tmp_path: Path) -> None:
    server = postgresql.Server(tmp_path / "bin", tmp_path / "data", "ledger", {})

    assert server.connection == Connection(
        str(tmp_path / "bin/psql"), str(tmp_path / "data"), "administrator", "ledger"
    )
