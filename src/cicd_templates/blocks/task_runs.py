"""Lets the pipeline run a task once for a release: creates the function that runs it, and the role that the function
uses.

The function is in the pipeline's account, because CodePipeline invokes only functions of its own account. The function
assumes a role in the environment's account. This role may run this task and read its log, and do nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from awacs import codepipeline, ecr, ecs, logs
from awacs import iam as iam_actions
from awacs.aws import ArnEquals, StringEquals
from awacs.sts import AssumeRole
from troposphere import Join, Output, Sub, awslambda, iam
from troposphere import ecs as tasks
from troposphere import logs as log_groups

from cicd_templates.blocks.bucket_access import may_list, may_put, may_read
from cicd_templates.blocks.lambda_functions import inline_function, may_answer_jobs, registry_variables, source
from cicd_templates.blocks.roles import assumed_role
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import (
    cluster_arn,
    cluster_name,
    physical_name,
    pipeline_arn,
    pipeline_name,
    repository_arn,
    role_arn,
    title,
)
from cicd_templates.layer.iam import allow, trust_roles_of
from cicd_templates.layer.outputs import BucketName, KeyArn, QueueArn, SecurityGroupId, SubnetIds

# The outputs of the stack with the task definition. The pipeline passes them to the function.
DEFINITION, SUBNETS, GROUP = "TaskDefinitionArn", "SubnetIds", "SecurityGroupId"
TIMEOUT_SECONDS = 60


class TaskRun(NamedTuple):
    """A task that a Lambda function of the pipeline runs once for each release of a service.

    - `word` is a part of the name of the Lambda function, and of the name of the role that the Lambda function assumes.
      No service can have this word as its name.
    - `subject` is the name of the task in messages.
    - `records` is the folder of the evidence bucket in which the Lambda function records its attempts.
    - `family` has the words of the task definition's name.
    - `roles` has the last words of the names of the execution role and of the task role.
    - `limit_minutes` is the longest time that a run may take.
    """

    word: str
    subject: str
    records: str
    family: tuple[str, ...]
    roles: tuple[tuple[str, ...], ...]
    log: str
    limit_minutes: int


def outputs(definition: tasks.TaskDefinition, subnets: SubnetIds, group: SecurityGroupId) -> Sequence[Output]:
    """Return the outputs of a task: its task definition, its subnets and its security group.

    The pipeline passes the values of the outputs to the Lambda function that runs the task.
    """
    return [
        Output(name, Description=description, Value=value)
        for name, description, value in (
            (DEFINITION, "The task that the pipeline runs", definition.ref()),
            (SUBNETS, "The subnets of the task", Join(",", subnets.data)),
            (GROUP, "The security group of the task", group),
        )
    ]


def task_run_role(logical_id: str, env: Environment, service: Service, run: TaskRun) -> iam.Role:
    """Return the role that the pipeline's Lambda function assumes in `env` to run the task.

    Only this Lambda function may assume the role.
    """
    tools, cluster = env.tools, cluster_name(env)
    begin = f"arn:${{AWS::Partition}}:ecs:{env.region}:{env.account}"
    family = physical_name(env, "AWS::ECS::TaskDefinition", *run.family)
    in_cluster = ArnEquals({"ecs:cluster": Sub(cluster_arn(env))})
    group = f"arn:${{AWS::Partition}}:logs:{env.region}:{env.account}:log-group:{run.log}"
    return assumed_role(
        logical_id,
        env,
        trust_roles_of(tools.account, [Sub(role_arn(tools, service.name, run.word, "function"))]),
        allow(_run_sid(run), [ecs.RunTask], on=Sub(f"{begin}:task-definition/{family}:*"), when=[in_cluster]),
        allow("FollowTheTask", [ecs.DescribeTasks], on=Sub(f"{begin}:task/{cluster}/*"), when=[in_cluster]),
        allow(
            "FindRunningTasks",
            [ecs.ListTasks],
            on="*",
            when=[in_cluster],
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
            because="The only resources that ecs:ListTasks supports are container instances, and Fargate has no"
            " container instances.",
        ),
        allow(
            "LookAtItsImage",
            [ecs.DescribeTaskDefinition],
            on="*",
            because="ecs:DescribeTaskDefinition supports no resource-level permissions.",
        ),
        allow(
            "GiveTheTaskItsRoles",
            [iam_actions.PassRole],
            on=[Sub(role_arn(env, service.name, *words)) for words in run.roles],
            when=[StringEquals({"iam:PassedToService": "ecs-tasks.amazonaws.com"})],
        ),
        allow("ReadItsLog", [logs.GetLogEvents], on=Sub(f"{group}:log-stream:*")),
        name=[run.word, service.name],
    )


def task_run_function(
    logical_id: str,
    env: Environment,
    service: Service,
    run: TaskRun,
    environments: Sequence[Environment],
    *,
    key: KeyArn,
    dead_letters: QueueArn,
    evidence: BucketName,
) -> tuple[log_groups.LogGroup, iam.Role, awslambda.Function]:
    """Return the function that runs the task in `environments`.

    The function records every attempt in the bucket `evidence`, and verifies the image before it starts a task.
    """
    attempts = f"{service.name}/{run.records}"
    return inline_function(
        logical_id,
        env,
        source("migrate"),
        may_answer_jobs("AnswerThePipeline"),
        allow(
            "TellReleasesFromRollbacks",
            [codepipeline.GetPipelineExecution, codepipeline.GetPipelineState],
            on=Sub(pipeline_arn(env, service.name)),
        ),
        allow(
            _run_sid(run),
            [AssumeRole],
            on=[Sub(role_arn(peer, run.word, service.name)) for peer in environments],
        ),
        allow("ReadTheScan", [ecr.DescribeImageScanFindings], on=Sub(repository_arn(env, service.name))),
        may_put("RecordAttempts", evidence, f"{attempts}/*"),
        may_read("ReadAttempts", evidence, f"{attempts}/*"),
        *(
            may_list(f"FindAttemptsIn{title(peer.name)}", evidence, f"{attempts}/{peer.qualified}/")
            for peer in environments
        ),
        name=(service.name, run.word),
        key=key,
        dead_letters=dead_letters,
        timeout_seconds=TIMEOUT_SECONDS,
        variables={
            "PIPELINE": pipeline_name(env, service.name),
            "SERVICE": service.name,
            "SUBJECT": run.subject,
            "RECORDS": run.records,
            "LIMIT_MINUTES": str(run.limit_minutes),
            "EVIDENCE_BUCKET": evidence,
            **registry_variables(env, service),
        },
    )


def _run_sid(run: TaskRun) -> str:
    return f"RunThe{title(run.subject)}"
