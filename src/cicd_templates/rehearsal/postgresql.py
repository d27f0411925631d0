"""Runs a PostgreSQL server for one database of a rehearsal. It listens only on a Unix socket in a private folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cicd_templates.errors import CicdError
from cicd_templates.local import orphans
from cicd_templates.local.data_api import Server as Connection

# Debian installs the server's programs here, outside of PATH.
DEBIAN_PROGRAMS = "/usr/lib/postgresql"
PROGRAMS = ("initdb", "postgres", "psql")
# PostgreSQL refuses to run as root. The first of these users that exists runs it instead.
USERS = ("postgres", "nobody")
ADMINISTRATOR = "administrator"
# In RDS, the members of this role authenticate with a token of IAM.
IAM_ROLE = "rds_iam"
READY_SECONDS = 30.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.05


def find_programs(root: Path = Path(DEBIAN_PROGRAMS)) -> Path | None:
    """Return the folder with the programs of the newest PostgreSQL server, or None if none is installed."""
    folders = [path for path in root.glob("*/bin") if all((path / name).is_file() for name in PROGRAMS)]
    if folders:
        return max(folders, key=lambda path: [int(part) for part in re.findall(r"\d+", path.parent.name)])
    return Path(found).resolve().parent if (found := shutil.which(PROGRAMS[0])) else None


@dataclass(frozen=True)
class Server:
    """A running server with one database. `socket` is the path of its Unix socket."""

    programs: Path
    folder: Path
    database: str
    options: dict[str, Any]

    @property
    def socket(self) -> Path:
        """Return the path of the Unix socket, which needs no password."""
        return self.folder / ".s.PGSQL.5432"

    @property
    def connection(self) -> Connection:
        """Return what another process needs to connect to the server as the administrator."""
        return Connection(str(self.programs / "psql"), str(self.folder), ADMINISTRATOR, self.database)

    def run_script(self, script: Path) -> None:
        """Run SQL statements as the administrator. Raises `CicdError` with the message of the statement that fails."""
        self._psql("--single-transaction", "--file", "-", text=script.read_text())

    def uses_iam(self, user: str) -> bool:
        """Return whether a user exists and is a member of the role for IAM authentication."""
        query = "SELECT count(*) FROM pg_roles WHERE rolname = :'name' AND pg_has_role(rolname, :'role', 'member')"
        # psql replaces variables in its input, but not in an option.
        found = self._psql("--set", f"name={user}", "--set", f"role={IAM_ROLE}", "--file", "-", text=query)
        return found.strip() == "1"

    def _psql(self, *arguments: str, text: str, database: str | None = None) -> str:
        command = [self.programs / "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set"]
        command += ["ON_ERROR_STOP=1", "--host", self.folder, "--username", ADMINISTRATOR]
        command += ["--dbname", database or self.database]
        done = _run([*map(str, command), *arguments], self.options, text)
        if done.returncode:
            raise CicdError(f"the database {self.database}: {done.stderr.strip()}")
        return done.stdout

    def prepare(self) -> None:
        """Create the database and the role `rds_iam`. In RDS, the members of this role log in with IAM tokens.

        Raises `CicdError` on a failure.
        """
        self._psql(text=f'CREATE ROLE {IAM_ROLE}; CREATE DATABASE "{self.database}"', database="postgres")


@contextlib.contextmanager
def running(programs: Path, database: str) -> Iterator[Server]:
    """Start a server with an empty database. At the end of the `with` block, stop it and remove its data.

    Raises `CicdError` if the server does not start.
    """
    folder, options = Path(tempfile.mkdtemp(prefix="cicd-postgresql-")), _options()
    try:
        if options:
            os.chown(folder, options["user"], options["group"])
        data = folder / "data"
        initial = ["--auth=trust", "--no-sync", "--encoding=UTF8", "--username", ADMINISTRATOR, "--pgdata", str(data)]
        done = _run([str(programs / "initdb"), *initial], options)
        if done.returncode:
            raise CicdError(f"PostgreSQL could not be set up: {done.stderr.strip()}")
        command = [str(programs / "postgres"), "-D", str(data), "-k", str(folder), "-c", "listen_addresses="]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - a program of PostgreSQL
                [*command, "-c", "fsync=off"],
                env={"PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **options,
            )
        server = Server(programs, folder, database, options)
        try:
            with orphans.prevented(process.pid, folder):
                try:
                    _wait_until_it_accepts(server, process)
                    server.prepare()
                    yield server
                finally:
                    # After Ctrl-C, the end of the outer block would kill the server, which then leaves shared memory.
                    _stop(process)
        finally:
            # If the outer block has not begun, the server still runs.
            _stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the server at once, because its data is removed anyway. Do nothing if it has stopped."""
    process.send_signal(signal.SIGQUIT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_it_accepts(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(CicdError):
            server._psql(text="SELECT 1", database="postgres")
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise CicdError(f"PostgreSQL does not start: {(server.folder / 'log').read_text(errors='replace')}")
        time.sleep(POLL_SECONDS)


def _options() -> dict[str, Any]:
    """Return the options with which `subprocess` starts a PostgreSQL program. PostgreSQL refuses to run as root.

    If the current user is root, the options select one of `USERS`. Otherwise, the result is empty. Raises `CicdError`
    if the current user is root and none of `USERS` exists.
    """
    if os.geteuid() != 0:
        return {}
    for name in USERS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise CicdError(
        f"PostgreSQL refuses to run as root, and none of the users {', '.join(USERS)} exists; create one of them"
    )


def _run(command: Sequence[str], options: dict[str, Any], text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a program of PostgreSQL
        command, input=text, capture_output=True, text=True, check=False, cwd="/", env={"PATH": os.defpath}, **options
    )
