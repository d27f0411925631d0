"""Runs the databases of deployed stacks for the tasks of a rehearsal: PostgreSQL servers behind proxies for IAM logins.

There are two ways to create the database users:

- With the RDS Data API, a Lambda function of the pipeline creates the users. In a rehearsal, the local AWS runs the
  function's SQL statements on the PostgreSQL server.
- Without the Data API, a person creates the users in AWS. In a rehearsal, the script `rehearsal/<database name>.sql`
  in the source creates the users. The script runs as the server's administrator when the server starts.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cicd_templates.errors import CicdError
from cicd_templates.local.data_api import Servers
from cicd_templates.rehearsal import postgresql
from cicd_templates.rehearsal.database_proxy import DatabaseProxy, token_problem, write_certificate
from cicd_templates.rehearsal.pipeline_run import PipelineRun
from cicd_templates.rehearsal.result import NOT_SHOWN, ActionProgress
from cicd_templates.rehearsal.sessions import Credentials
from cicd_templates.template.arn import Arn

SCRIPTS = Path("rehearsal")
CONNECT = "rds-db:connect"
CLUSTER_TYPE = "AWS::RDS::DBCluster"
NOTE = "the database {} runs in a PostgreSQL server on this machine, and {} creates its users"
# The ARN of a cluster in the parameters of a function.
CLUSTER_ARN = re.compile(r"arn:aws[a-z-]*:rds:[a-z0-9-]+:\d{12}:cluster:[a-z0-9-]+")


@dataclass
class _Database:
    """A running database.

    `sessions` has the credentials and the role of each task that may connect. The key is the task's access key.
    """

    host: str
    certificate: Path
    sessions: dict[str, tuple[Credentials, str]] = field(default_factory=dict)


class Databases:
    """The databases that tasks have used so far. They run until the `ExitStack` named `until` closes."""

    def __init__(self, folder: Path, until: contextlib.ExitStack, programs: Path | None, servers: Servers) -> None:
        """`folder` is for the certificates of the proxies. `servers` tells the local AWS how to reach each server."""
        self._folder, self._until, self._programs = folder, until, programs
        self._servers = servers
        self._known: dict[str, _Database] = {}
        # Actions that run in parallel share the servers.
        self._lock = threading.Lock()

    def addresses(
        self,
        run: PipelineRun,
        step: ActionProgress,
        source: Path,
        variables: Mapping[str, str],
        role: str,
        keys: Credentials,
    ) -> dict[str, str]:
        """Return the environment variables that must change so that a task connects to local databases.

        - Each variable in `variables` that has the address of a cluster gets the address of a local database.
        - `SSL_CERT_FILE` and `PGSSLROOTCERT` get the path of the local database's certificate.

        `role` is the ARN of the task role, and `keys` are the role's credentials.
        """
        clusters = run.setup.root_session(role).client("rds").get_paginator("describe_db_clusters").paginate()
        found: dict[str, str] = {}
        for cluster in (each for page in clusters for each in page["DBClusters"]):
            names = [name for name, value in variables.items() if value == cluster["Endpoint"]]
            if names and (database := self._served(run, step, source, cluster)):
                database.sessions[keys.access] = (keys, role)
                found |= dict.fromkeys(names, database.host)
                # Python reads the first variable through OpenSSL. PostgreSQL's client library libpq reads the second.
                found |= dict.fromkeys(("SSL_CERT_FILE", "PGSSLROOTCERT"), str(database.certificate))
        return found

    def start_for_function(self, run: PipelineRun, step: ActionProgress, parameters: str) -> bool:
        """Start the databases whose ARNs a pipeline action passes to a Lambda function. Return whether all of them run.

        `parameters` is the text that the action passes to the function.
        """
        found = True
        for arn in sorted(set(CLUSTER_ARN.findall(parameters))):
            clusters = run.setup.root_session(arn).client("rds").describe_db_clusters(DBClusterIdentifier=arn)
            found = self._served(run, step, None, clusters["DBClusters"][0]) is not None and found
        return found

    def _served(
        self, run: PipelineRun, step: ActionProgress, source: Path | None, cluster: dict[str, Any]
    ) -> _Database | None:
        """Return the database of `cluster`, and start it first if needed. Return None if it cannot run.

        Note the outcome in `step`.

        `source` is the folder with the script that creates the database users. The script is not used for a cluster
        with the Data API.
        """
        name = cluster["DatabaseName"]
        script = None if source is None or cluster["HttpEndpointEnabled"] else source / SCRIPTS / f"{name}.sql"
        if script and not script.is_file():
            step.note(
                f"{NOT_SHOWN}the database {name}, because the source has no script {SCRIPTS / script.name} to create"
                " the database users"
            )
            return None
        if not cluster["Engine"].endswith("postgresql"):
            step.note(f"{NOT_SHOWN}the database {name}, because its engine is {cluster['Engine']}, not PostgreSQL")
            return None
        if self._programs is None:
            step.note(f"{NOT_SHOWN}the database {name}, because PostgreSQL is not installed on this machine")
            return None
        step.note(NOTE.format(name, SCRIPTS / script.name if script else "the release"))
        with self._lock:
            if cluster["DBClusterArn"] not in self._known:
                self._known[cluster["DBClusterArn"]] = self._start(run, self._programs, script, cluster)
            return self._known[cluster["DBClusterArn"]]

    def _start(self, run: PipelineRun, programs: Path, script: Path | None, cluster: dict[str, Any]) -> _Database:
        server = self._until.enter_context(postgresql.running(programs, cluster["DatabaseName"]))
        if script:
            server.run_script(script)
        else:
            self._servers.add(cluster["DBClusterArn"], server.connection)
        listener, host = _listen(cluster["Port"])
        folder = self._folder / f"database-{secrets.token_hex(8)}"
        folder.mkdir()
        key, certificate = write_certificate(folder, host)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        database = _Database(host, certificate)
        region = Arn.parse(cluster["DBClusterArn"]).region

        def refuse(user: str, token: str) -> str:
            """Return the reason to refuse a login, or an empty string if the client may log in."""
            if not cluster["IAMDatabaseAuthenticationEnabled"]:
                return "the template of the cluster does not enable EnableIAMDatabaseAuthentication"
            access = token.partition("X-Amz-Credential=")[2].partition("%2F")[0]
            if access not in database.sessions:
                return "the token is not signed with the access key of a task that uses this database"
            keys, role = database.sessions[access]
            problem = token_problem(token, host, cluster["Port"], user, region, keys, datetime.now(UTC))
            if problem:
                return problem
            begin = cluster["DBClusterArn"].partition(":cluster:")[0].replace(":rds:", ":rds-db:")
            try:
                run.setup.require_allowed(role, [CONNECT], f"{begin}:dbuser:{cluster['DbClusterResourceId']}/{user}")
                return (
                    ""
                    if server.uses_iam(user)
                    else f"the database has no user {user} that is a member of {postgresql.IAM_ROLE}"
                )
            except CicdError as error:
                return str(error)

        self._until.enter_context(DatabaseProxy(listener, server.socket, context, refuse).serving())
        return database


def _listen(port: int) -> tuple[socket.socket, str]:
    """Listen on `port` of an unused loopback address. Return the socket and the address.

    Each database needs its own address, because task definitions can set the same port for several databases. If the
    system has only the loopback address 127.0.0.1, only one database can use the port.
    """
    hosts = [".".join(["127", *(str(1 + secrets.randbelow(254)) for _ in range(3))]) for _ in range(10)]
    for host in (*hosts, "127.0.0.1"):
        with contextlib.suppress(OSError):
            return socket.create_server((host, port)), host
    raise CicdError(f"port {port} is in use at every loopback address; end the program that uses it")
