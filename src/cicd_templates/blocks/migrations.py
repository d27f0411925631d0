"""Migrations: a task that runs once per release, before the service is updated, and the function that runs the task.

The function is in the pipeline's account, because CodePipeline invokes only functions of its own account. It assumes a
role of the environment's account, which may run this one task and read its log.
"""

from __future__ import annotations

from awacs import codepipeline, ecr, ecs, logs
from awacs import iam as iam_actions
from awacs.aws import ArnEquals, StringEquals
from awacs.sts import AssumeRole
from troposphere import Sub, awslambda, iam
from troposphere import ecs as tasks
from troposphere import logs as log_groups

from cicd_templates.blocks.bucket_access import may_list, may_put, may_read
from cicd_templates.blocks.lambda_functions import inline_function, may_answer_jobs, registry_variables, source
from cicd_templates.blocks.repositories import EXECUTION_ROLE
from cicd_templates.blocks.roles import assumed_role
from cicd_templates.blocks.task_definitions import fargate_task, hardened_container
from cicd_templates.blocks.task_parts import TASK_ROLE, TaskParts
from cicd_templates.config import reserved_words
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import (
    cluster_name,
    log_group_name,
    physical_name,
    pipeline_arn,
    pipeline_name,
    repository_arn,
    role_arn,
    title,
)
from cicd_templates.layer.iam import allow, trust_roles_of
from cicd_templates.layer.outputs import BucketName, KeyArn, QueueArn, Value

MIGRATION = reserved_words.MIGRATION
# The words after the service in the names of the two roles of the task.
ROLES = ((MIGRATION, EXECUTION_ROLE), (MIGRATION, TASK_ROLE))
# Outputs of the stack, which the pipeline hands to the function.
DEFINITION, SUBNETS, GROUP = "TaskDefinitionArn", "SubnetIds", "SecurityGroupId"
TIMEOUT_SECONDS = 60


def migration_log(env: Environment, service: Service) -> str:
    """Return the name of the log group of a service's migrations."""
    return log_group_name(env, MIGRATION, service.name)


def migration_task(logical_id: str, env: Environment, service: Service, parts: TaskParts) -> tasks.TaskDefinition:
    """Return the task definition of the migration. Its container is the service's, with another command and no port."""
    variables: dict[str, Value | str] = {**service.settings.environment, **parts.addresses}
    container = hardened_container(env, service, parts, variables, list(service.settings.migration))
    name = [service.name, MIGRATION]
    return fargate_task(logical_id, env, service, parts, container, name=name)


def migration_role(logical_id: str, env: Environment, service: Service) -> iam.Role:
    """Return the role of `env` with which the function runs the migration. Only the function may assume it."""
    tools, cluster = env.tools, cluster_name(env)
    begin = f"arn:${{AWS::Partition}}:ecs:{env.region}:{env.account}"
    family = physical_name(env, "AWS::ECS::TaskDefinition", service.name, MIGRATION)
    in_cluster = ArnEquals({"ecs:cluster": Sub(f"{begin}:cluster/{cluster}")})
    group = f"arn:${{AWS::Partition}}:logs:{env.region}:{env.account}:log-group:{migration_log(env, service)}"
    return assumed_role(
        logical_id,
        env,
        trust_roles_of(tools.account, [Sub(role_arn(tools, service.name, MIGRATION, "function"))]),
        allow("RunTheMigration", [ecs.RunTask], on=Sub(f"{begin}:task-definition/{family}:*"), when=[in_cluster]),
        allow("FollowTheTask", [ecs.DescribeTasks], on=Sub(f"{begin}:task/{cluster}/*"), when=[in_cluster]),
        allow(
            "FindRunningTasks",
            [ecs.ListTasks],
            on="*",
            when=[in_cluster],
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
            because="ecs:ListTasks has a resource level for container instances only, and Fargate has none.",
        ),
        allow(
            "LookAtItsImage",
            [ecs.DescribeTaskDefinition],
            on="*",
            because="ecs:DescribeTaskDefinition has no resource level.",
        ),
        allow(
            "GiveTheTaskItsRoles",
            [iam_actions.PassRole],
            on=[Sub(role_arn(env, service.name, *words)) for words in ROLES],
            when=[StringEquals({"iam:PassedToService": "ecs-tasks.amazonaws.com"})],
        ),
        allow("ReadItsLog", [logs.GetLogEvents], on=Sub(f"{group}:log-stream:*")),
        name=[MIGRATION, service.name],
    )


def migration_function(
    env: Environment, service: Service, key: KeyArn, dead_letters: QueueArn, evidence: BucketName
) -> tuple[log_groups.LogGroup, iam.Role, awslambda.Function]:
    """Return the function that runs the migration in every environment on the pipeline's path.

    It records every attempt in the bucket `evidence`, and verifies the image before it starts a task.
    """
    attempts = f"{service.name}/migrations"
    return inline_function(
        "Migrate",
        env,
        source("migrate"),
        may_answer_jobs("AnswerThePipeline"),
        allow(
            "TellReleasesFromRollbacks",
            [codepipeline.GetPipelineExecution, codepipeline.GetPipelineState],
            on=Sub(pipeline_arn(env, service.name)),
        ),
        allow(
            "RunTheMigration",
            [AssumeRole],
            on=[Sub(role_arn(peer, MIGRATION, service.name)) for peer in env.route],
        ),
        allow("ReadTheScan", [ecr.DescribeImageScanFindings], on=Sub(repository_arn(env, service.name))),
        may_put("RecordAttempts", evidence, f"{attempts}/*"),
        may_read("ReadAttempts", evidence, f"{attempts}/*"),
        *(
            may_list(f"FindAttemptsIn{title(peer.name)}", evidence, f"{attempts}/{peer.qualified}/")
            for peer in env.route
        ),
        name=(service.name, MIGRATION),
        key=key,
        dead_letters=dead_letters,
        timeout_seconds=TIMEOUT_SECONDS,
        variables={
            "PIPELINE": pipeline_name(env, service.name),
            "SERVICE": service.name,
            "EVIDENCE_BUCKET": evidence,
            **registry_variables(env, service),
        },
    )
