"""Creates the roles, the function and the pipeline actions that create database users.

The function is in the pipeline's account. For each database, it assumes a separate role in the database's environment.
Only this role may run statements as the database's administrator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from awacs import kms, rds_data, secretsmanager, ssm
from awacs.sts import AssumeRole
from troposphere import Sub, awslambda, iam, logs

from cicd_templates.blocks.databases import CREATED, PRIVILEGES, cluster_arn, user_of
from cicd_templates.blocks.keys import may_use_through
from cicd_templates.blocks.lambda_functions import inline_function, may_answer_jobs, source
from cicd_templates.blocks.pipeline_actions import PipelineAction, PipelineContext, lambda_action
from cicd_templates.blocks.roles import assumed_role
from cicd_templates.config.environment import Environment
from cicd_templates.config.naming import parameter_path, role_arn, title
from cicd_templates.config.reserved_words import DATABASE_USERS
from cicd_templates.layer.iam import ResourceArn, allow, trust_roles_of
from cicd_templates.layer.limits import require_length
from cicd_templates.layer.outputs import DatabaseUsers, FunctionName, KeyArn, Output, QueueArn, SecretArn

USERS_ACTION = "CreateUsers"
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
PARAMETER_LENGTH = 4096
# An invocation runs at most four statements for each user. Each of them can take 45 seconds, but takes milliseconds.
TIMEOUT_SECONDS = 300


def created_databases(env: Environment) -> list[str]:
    """Return the names of the databases in `env` in which releases create a database user for a service."""
    return [name for name, settings in env.databases.items() if settings.users == CREATED and _users(env, name)]


def database_users(env: Environment, name: str) -> DatabaseUsers:
    """Return the users of the database `name`, each with its privileges, such as `read_reports:USAGE`.

    Raises `ConfigurationError` if Parameter Store cannot store all of them in one parameter.
    """
    users = _users(env, name)
    require_length(
        ",".join(users),
        PARAMETER_LENGTH,
        f"environments.{env.name}.databases.{name}: the list of the database's users",
        'set users = "by hand", or let fewer services use the database',
    )
    return DatabaseUsers(users)


def _users(env: Environment, name: str) -> list[str]:
    return [
        ":".join((user_of(service, access), *PRIVILEGES[access]))
        for service in sorted(env.services, key=lambda service: service.name)
        if (access := service.settings.uses.get(name)) in PRIVILEGES
    ]


def users_role(
    logical_id: str, env: Environment, name: str, secret: ResourceArn, key: KeyArn, read: Sequence[Output[Any]]
) -> iam.Role:
    """Return a role in `env` for the database `name`. Only the Lambda function that creates users may assume the role.

    The role may run statements with the administrator's password. The password is in the secret `secret`, which is
    encrypted with `key`. `read` lists the outputs of other stacks that the role may read.
    """
    begin = f"arn:${{AWS::Partition}}:ssm:{env.region}:{env.account}:parameter"
    return assumed_role(
        logical_id,
        env,
        trust_roles_of(env.tools.account, [Sub(role_arn(env.tools, DATABASE_USERS, "function"))]),
        allow("RunStatements", [rds_data.ExecuteStatement], on=cluster_arn(env, name)),
        # The Data API reads the password with the permissions of its caller:
        # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.access.html
        allow("LetTheDataApiReadThePassword", [secretsmanager.GetSecretValue], on=secret),
        may_use_through("LetTheDataApiDecryptThePassword", env, ["secretsmanager"], [kms.Decrypt], key),
        allow(
            "ReadTheUsers",
            [ssm.GetParameter],
            on=[Sub(f"{begin}{parameter_path(env, output.layer, output.name)}") for output in read],
        ),
        name=[DATABASE_USERS, name],
    )


def users_function(
    logical_id: str, env: Environment, environments: Sequence[Environment], *, key: KeyArn, dead_letters: QueueArn
) -> tuple[logs.LogGroup, iam.Role, awslambda.Function]:
    """Return the function that creates the users of every database in `environments`."""
    return inline_function(
        logical_id,
        env,
        source("database_users"),
        may_answer_jobs("AnswerThePipeline"),
        allow(
            "WorkOnTheDatabases",
            [AssumeRole],
            on=[Sub(role_arn(peer, DATABASE_USERS, name)) for peer in environments for name in created_databases(peer)],
        ),
        name=(DATABASE_USERS,),
        key=key,
        dead_letters=dead_letters,
        timeout_seconds=TIMEOUT_SECONDS,
        variables={},
    )


def users_action(
    context: PipelineContext,
    peer: Environment,
    name: str,
    function: FunctionName,
    users: Output[DatabaseUsers],
    secret: Output[SecretArn],
    *,
    order: int,
) -> PipelineAction:
    """Return the action that creates the users of the database `name` in the environment `peer`.

    The action creates the users of all services. The migration of any service can then grant these users rights on the
    tables of that service.
    """
    parameters = {
        "role": role_arn(peer, DATABASE_USERS, name),
        "region": peer.region,
        "cluster": str(cluster_arn(peer, name).data["Fn::Sub"]),
        "database": peer.databases[name].name_in_cluster(name),
        "users": parameter_path(peer, users.layer, users.name),
        "secret": parameter_path(peer, secret.layer, secret.name),
    }
    action = f"{USERS_ACTION}{title(peer.name)}{title(name)}"
    return lambda_action(context, action, function, parameters, namespace=action, order=order)
