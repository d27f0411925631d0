"""Gives the local AWS an RDS Data API that executes statements on a PostgreSQL server.

Without this module, the engine recognizes only a few statements for MySQL. A rehearsal starts the server and writes the
server's address to a file, which this module reads.

As in AWS, the caller needs a permission to run statements on the cluster, and permissions to read and decrypt the
password of the administrator.

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

SERVERS_FILE = "database-servers.jsonl"
EXECUTE = "/Execute"
PASSWORD_ACTION = "secretsmanager:GetSecretValue"  # noqa: S105 - an action
# A parameter such as `:name` in a statement. Two colons are a type cast.
PARAMETER = re.compile(r"(?<!:):([a-zA-Z_][a-zA-Z0-9_]*)")
# psql writes the SQLSTATE before the message.
MESSAGE = re.compile(r"\bERROR: +(?P<state>[0-9A-Z]{5}): (?P<text>.*)$", re.MULTILINE)

Response = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Server:
    """How to reach a server: the program psql, the folder of the socket, the administrator and the database."""

    psql: str
    folder: str
    user: str
    database: str


class Servers:
    """Stores the servers of database clusters in a file that the engine and a rehearsal share."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / SERVERS_FILE

    def add(self, cluster: str, server: Server) -> None:
        """Record which database server a cluster has. `cluster` is the ARN of the cluster."""
        with self._file.open("a") as file:
            file.write(json.dumps([cluster, asdict(server)]) + "\n")

    def find(self, cluster: str) -> Server | None:
        """Return the newest server of a cluster, or None if it has no server. `cluster` is the ARN of the cluster."""
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        known = {arn: Server(**values) for arn, values in map(json.loads, lines)}
        return known.get(cluster)


class DataApi:
    """Answers ExecuteStatement. `secrets` maps the resource id of each cluster to the secret with its password."""

    def __init__(
        self,
        servers: Servers,
        secrets: Mapping[str, Any],
        cluster_of: Callable[[str], dict[str, Any] | None],
        is_denied: Callable[[dict[str, str], str, str], bool],
        respond: Callable[[Any], Response],
        refuse: Callable[[str, str, int], Response],
    ) -> None:
        """Store the engine's secrets and these functions of the engine:

        - `cluster_of` returns the cluster with a given ARN.
        - `is_denied` says whether IAM denies an action; see `denials`.
        - `respond` makes a response to a successful request, and `refuse` makes an error response.
        """
        self._servers, self._secrets, self._cluster_of = servers, secrets, cluster_of
        self._is_denied, self._respond, self._refuse = is_denied, respond, refuse

    def execute(self, headers: dict[str, str], body: bytes) -> Response:
        """Check the cluster and the secret, then run the statement. The engine has already checked the permission to
        run statements.
        """
        request = json.loads(body)
        arn = request["resourceArn"]
        cluster = self._cluster_of(arn)
        if cluster is None:
            return self._refuse("BadRequestException", f"{arn} is no database cluster of this account", 400)
        if not cluster.get("HttpEndpointEnabled"):
            return self._refuse("HttpEndpointNotEnabledException", f"The HTTP endpoint of {arn} is not enabled", 400)
        secret = self._secrets.get(cluster["DbClusterResourceId"])
        if secret is None or request["secretArn"] != secret.arn:
            return self._refuse("SecretsErrorException", "The secret is not the administrator's secret", 400)
        if self._is_denied(headers, PASSWORD_ACTION, secret.arn):
            return self._refuse("AccessDeniedException", f"The caller may not read {secret.arn}", 403)
        if secret.key and self._is_denied(headers, "kms:Decrypt", secret.key):
            return self._refuse("SecretsErrorException", f"The caller may not decrypt {secret.arn}", 400)
        server = self._servers.find(arn)
        if server is None or request.get("database") != server.database:
            return self._refuse("DatabaseUnavailableException", f"no server runs the database of {arn}", 504)
        return self._run(server, request)

    def _run(self, server: Server, request: Mapping[str, Any]) -> Response:
        values = {each["name"]: each["value"].get("stringValue") for each in request.get("parameters", ())}
        if None in values.values():
            return self._refuse("BadRequestException", "only parameters with a stringValue are possible here", 400)
        sql = str(request["sql"])
        if missing := sorted({*PARAMETER.findall(sql)} - values.keys()):
            return self._refuse("BadRequestException", f"Cannot find parameter: {missing[0]}", 400)
        # AWS sends a text as `varchar`, which decides about the operators that PostgreSQL chooses.
        sql = PARAMETER.sub(lambda match: f"CAST(:'{match[1]}' AS pg_catalog.varchar)", sql)
        is_query = sql.lstrip().upper().startswith("SELECT")
        if is_query:
            sql = f"SELECT row_to_json(found) FROM ({sql}) AS found"  # noqa: S608 - the caller may run any statement
        done = _psql(server, sql, values)
        if done.returncode:
            found = MESSAGE.search(done.stderr)
            text = f"ERROR: {found['text']}; SQLState: {found['state']}" if found else done.stderr.strip()
            return self._refuse("DatabaseErrorException", text, 400)
        rows = [json.loads(line) for line in done.stdout.splitlines()] if is_query else []
        records = [[_field(value) for value in row.values()] for row in rows]
        answer: dict[str, Any] = {"numberOfRecordsUpdated": 0}
        return self._respond(answer | ({"records": records} if is_query else {"generatedFields": []}))


def denials(
    enforce: Callable[..., Any], key_of: Callable[[dict[str, str]], str], region: Callable[[], str]
) -> Callable[[dict[str, str], str, str], bool]:
    """Return a function that says whether IAM denies an action on a resource to the caller of a request.

    The arguments of the returned function are the request's headers, the action and the resource's ARN. `key_of` finds
    the caller's access key in the headers.
    """

    def is_denied(headers: dict[str, str], action: str, resource: str) -> bool:
        service = action.partition(":")[0]
        through = {"kms:ViaService": f"secretsmanager.{region()}.amazonaws.com"} if service == "kms" else None
        key = key_of(headers)
        return enforce(key, action, service, region(), resource_arn=resource, service_context=through) is not None

    return is_denied


def _psql(server: Server, sql: str, values: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    options = [option for name, value in values.items() for option in ("--set", f"{name}={value}")]
    command = [server.psql, "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]
    command += ["--set", "VERBOSITY=verbose", *options, "--host", server.folder, "--username", server.user]
    # psql replaces variables in its input, but not in an option.
    return subprocess.run(  # noqa: S603 - a program of PostgreSQL
        [*command, "--dbname", server.database, "--file", "-"],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={"PATH": os.defpath},
    )


def _field(value: Any) -> dict[str, Any]:
    """Return a value as the Data API returns it."""
    if value is None:
        return {"isNull": True}
    for kind, name in ((bool, "booleanValue"), (int, "longValue"), (float, "doubleValue")):
        if isinstance(value, kind):
            return {name: value}
    return {"stringValue": value}


def register(module: ModuleType, api: DataApi) -> None:
    """Let `api` answer the requests for ExecuteStatement.

    The engine's module for the Data API, `module`, still answers all other requests itself.
    """
    original = module.handle_request

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        if path == EXECUTE:
            return api.execute(headers, body)
        answer: Response = await original(method, path, headers, body, query)
        return answer

    module.handle_request = handle  # type: ignore[attr-defined] # a module of the engine
