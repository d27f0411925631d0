"""Lambda function: creates the database users of services, through the RDS Data API.

It assumes a role in the database's account. Only this role may run statements there as the administrator. The Data API
reads the administrator's password, so this function never has it.

The stack of the database publishes the users and their privileges. Each statement can run any number of times, so a
retry and a rollback are harmless. Users that are no longer listed are left alone, because they can own tables.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

from cicd_templates.functions.pipeline_jobs import answer_job, fail_job, read_parameters
from cicd_templates.functions.role_clients import client_in_role
from cicd_templates.functions.transient_errors import is_transient

MESSAGE_LENGTH = 1000
SESSION = "database-users"
# The user parameters. `users` and `secret` are names of parameters in Parameter Store.
REQUIRED = frozenset({"role", "region", "cluster", "database", "users", "secret"})
# The names that the configuration can produce. They are part of statements, because PostgreSQL accepts parameters only
# in place of values.
USER = re.compile(r"(read|readwrite)_[a-z0-9_]{1,60}", re.ASCII)
PRIVILEGES = frozenset({"USAGE", "CREATE"})
# The Data API sends a value as `varchar`. A service can create an operator `=` for `name` and `varchar` in the schema
# `public`. PostgreSQL would prefer this operator and run it as the administrator, so the query names the schema of each
# type and operator:
# https://wiki.postgresql.org/wiki/A_Guide_to_CVE-2018-1058:_Protect_Your_Search_Path
FIND_USER = (
    "SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) CAST(:name AS pg_catalog.name)"
)
DATABASE_ERROR = "DatabaseErrorException"
# Pipelines of several services can create the users of one database at the same time. PostgreSQL then refuses one of
# two equal statements. It accepts this statement after the other statement has ended.
ATTEMPTS = 3
# Errors that another invocation would repeat:
# https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_ExecuteStatement.html
PERMANENT = (
    *("AccessDenied", "AccessDeniedException", "ForbiddenException", "UnrecognizedClientException"),
    *("ValidationError", "ValidationException", "BadRequestException", "ParameterNotFound"),
    *("HttpEndpointNotEnabledException", "InvalidSecretException", "DatabaseNotFoundException"),
    *("UnsupportedResultException", "TransactionNotFoundException", DATABASE_ERROR),
)
# If errors last longer than this, the release fails. For example, a paused database needs some time to resume.
ERROR_SECONDS = 15 * 60


def handler(event: dict[str, Any], context: Any) -> None:
    """Report that the users exist, that another invocation is needed, or that the job failed and why."""
    import boto3

    job = event["CodePipeline.job"]
    pipeline = boto3.client("codepipeline")
    failing_since = int(time.time())
    try:
        parameters = read_parameters(job, REQUIRED)
        failing_since = json.loads(job["data"].get("continuationToken", "null")) or failing_since
        outcome = create_users(parameters)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        if is_transient(error, PERMANENT) and time.time() - failing_since < ERROR_SECONDS:
            print(f"{reason}; trying again")
            answer_job(pipeline.put_job_success_result, jobId=job["id"], continuationToken=json.dumps(failing_since))
        else:
            fail_job(pipeline, job["id"], _printable(reason)[:MESSAGE_LENGTH])
        return
    answer_job(pipeline.put_job_success_result, jobId=job["id"], outputVariables={"Users": outcome})


def _printable(text: str) -> str:
    """Return `text` in one line, without control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def create_users(parameters: dict[str, str]) -> str:
    """Create the listed users that a database does not have. Grant every listed user its privileges.

    Return a sentence that says what was done. If the list has a name or a privilege that no configuration can produce,
    raise `ValueError` and run no statement.
    """
    values = client_in_role("ssm", parameters["role"], parameters["region"], SESSION)
    listed, secret = (values.get_parameter(Name=parameters[name])["Parameter"]["Value"] for name in ("users", "secret"))
    users = [_read_user(entry) for entry in listed.split(",")]
    database = client_in_role("rds-data", parameters["role"], parameters["region"], SESSION)

    def execute(sql: str, **values: str) -> list[list[dict[str, Any]]]:
        answer = database.execute_statement(
            resourceArn=parameters["cluster"],
            secretArn=secret,
            database=parameters["database"],
            sql=sql,
            parameters=[{"name": name, "value": {"stringValue": value}} for name, value in values.items()],
        )
        found: list[list[dict[str, Any]]] = answer.get("records", [])
        return found

    created = [name for name, privileges in users if _create_user(execute, name, privileges)]
    done = f"created {', '.join(created)}" if created else "all users exist"
    print(f"{parameters['database']}: {done}")
    return done[:MESSAGE_LENGTH]


def _read_user(entry: str) -> tuple[str, list[str]]:
    """Return a user and its privileges from text such as `read_reports:USAGE`."""
    name, *privileges = entry.split(":")
    if not USER.fullmatch(name) or not privileges or not PRIVILEGES.issuperset(privileges):
        raise ValueError(f"{entry!r}: write a user name and its privileges, such as read_reports:USAGE")
    return name, privileges


def _create_user(execute: Any, name: str, privileges: list[str]) -> bool:
    """Create a user if it is missing, and grant it `privileges`. Return whether the user was missing.

    If the database refuses a statement, start again with the first statement. Make at most `ATTEMPTS` attempts.
    """
    from botocore.exceptions import ClientError

    for _ in range(ATTEMPTS - 1):
        try:
            return _create_user_once(execute, name, privileges)
        except ClientError as error:
            if error.response["Error"]["Code"] != DATABASE_ERROR:
                raise
    return _create_user_once(execute, name, privileges)


def _create_user_once(execute: Any, name: str, privileges: list[str]) -> bool:
    found = execute(FIND_USER, name=name)
    if not found:
        execute(f'CREATE ROLE "{name}" LOGIN')
    elif not found[0][0]["booleanValue"]:
        execute(f'ALTER ROLE "{name}" LOGIN')
    execute(f'GRANT rds_iam TO "{name}"')
    execute(f'GRANT {", ".join(privileges)} ON SCHEMA public TO "{name}"')
    return not found
