"""Creates jobs: a schedule that starts a task of the service, the role that may start it, and a queue for failed
starts.

EventBridge Scheduler starts a task at least once for each scheduled time. It tries again if ECS refuses to start the
task. It does not observe whether a started task succeeds:
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule.html
"""

from __future__ import annotations

from awacs import ecs as ecs_actions
from awacs import iam as iam_actions
from awacs import kms
from awacs.aws import ArnEquals, StringEquals
from troposphere import If, Sub, ecs, iam, scheduler, sqs

from cicd_templates.blocks.keys import may_use_through
from cicd_templates.blocks.queues import DEAD_LETTERS, encrypted_queue, may_send
from cicd_templates.blocks.removal_policies import transient
from cicd_templates.blocks.repositories import EXECUTION_ROLE
from cicd_templates.blocks.roles import service_role
from cicd_templates.blocks.task_definitions import BOOTSTRAP_CONDITION
from cicd_templates.blocks.task_parts import TASK_ROLE
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import cluster_arn, cluster_name, physical_name, role_arn
from cicd_templates.config.reserved_words import SCHEDULE
from cicd_templates.config.tables.job import JobTable
from cicd_templates.layer.iam import allow
from cicd_templates.layer.outputs import KeyArn, QueueArn, RoleArn, ScheduleGroupName, SecurityGroupId, SubnetIds

# After this many seconds of retries, EventBridge Scheduler sends a start to the dead-letter queue.
GIVE_UP_SECONDS = 3600


def schedule_group_name(env: Environment, service: Service) -> str:
    """Return the name of a job's schedule group. The job's metrics have this name in the dimension `ScheduleGroup`."""
    return physical_name(env, "AWS::Scheduler::ScheduleGroup", service.name)


def schedule_arn(env: Environment, service: Service) -> Sub:
    """Return the ARN of the job's schedule, even if the schedule does not exist yet."""
    name = physical_name(env, "AWS::Scheduler::Schedule", service.name)
    arn = f"arn:${{AWS::Partition}}:scheduler:{env.region}:{env.account}:schedule"
    return Sub(f"{arn}/{schedule_group_name(env, service)}/{name}")


def job_family(env: Environment, service: Service) -> str:
    """Return the family of the job's task definitions."""
    return physical_name(env, "AWS::ECS::TaskDefinition", service.name)


def job_group(env: Environment, service: Service) -> str:
    """Return the name of the ECS task group for the job's scheduled runs.

    If the pipeline or a person starts the job, the task is in a different group.
    """
    return f"job:{job_family(env, service)}"


def undelivered_starts_words(service: Service) -> list[str]:
    """Return the words that form the name of the job's dead-letter queue. The queue gets the job's failed starts."""
    return [service.name, SCHEDULE, DEAD_LETTERS]


def schedule_group(logical_id: str, env: Environment, service: Service) -> scheduler.ScheduleGroup:
    """Return the schedule group of a job, which contains one schedule.

    AWS has tags and metrics for groups, not for schedules.
    """
    return scheduler.ScheduleGroup(logical_id, Name=schedule_group_name(env, service))


def undelivered_starts(logical_id: str, env: Environment, service: Service, key: KeyArn) -> sqs.Queue:
    """Return the dead-letter queue of a job's schedule.

    If ECS refuses all attempts to start the job, EventBridge Scheduler sends a message to this queue.
    """
    return transient(encrypted_queue(logical_id, env, key, *undelivered_starts_words(service)))


def schedule_role(logical_id: str, env: Environment, service: Service, key: KeyArn, dead_letters: QueueArn) -> iam.Role:
    """Return the role that EventBridge Scheduler uses to start the job's task. Only schedules in the job's schedule
    group may use the role.

    The source ARN in the trust policy must be the ARN of a schedule group, not of a schedule:
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    begin = f"arn:${{AWS::Partition}}:ecs:{env.region}:{env.account}"
    group = f"arn:${{AWS::Partition}}:scheduler:{env.region}:{env.account}:schedule-group"
    cluster = Sub(cluster_arn(env))
    return service_role(
        logical_id,
        env,
        "scheduler",
        allow(
            "StartTheJob",
            [ecs_actions.RunTask],
            on=Sub(f"{begin}:task-definition/{job_family(env, service)}:*"),
            when=[ArnEquals({"ecs:cluster": cluster})],
        ),
        # The task gets the tags of its definition.
        allow(
            "TagItsTask",
            [ecs_actions.TagResource],
            on=Sub(f"{begin}:task/{cluster_name(env)}/*"),
            when=[StringEquals({"ecs:CreateAction": "RunTask"})],
        ),
        allow(
            "GiveTheTaskItsRoles",
            [iam_actions.PassRole],
            on=[Sub(role_arn(env, service.name, purpose)) for purpose in (EXECUTION_ROLE, TASK_ROLE)],
            when=[StringEquals({"iam:PassedToService": "ecs-tasks.amazonaws.com"})],
        ),
        may_send("KeepFailedStarts", dead_letters),
        may_use_through("EncryptFailedStarts", env, ["sqs"], [kms.Decrypt, kms.GenerateDataKey], key),
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/encryption-rest.html
        allow(
            "DecryptTheSchedule",
            [kms.Decrypt],
            on=key,
            when=[ArnEquals({"kms:EncryptionContext:aws:scheduler:schedule:arn": schedule_arn(env, service)})],
        ),
        name=[service.name, SCHEDULE],
        when=[ArnEquals({"aws:SourceArn": Sub(f"{group}/{schedule_group_name(env, service)}")})],
    )


def job_schedule(
    logical_id: str,
    env: Environment,
    service: Service,
    job: JobTable,
    *,
    definition: ecs.TaskDefinition,
    group: ScheduleGroupName,
    role: RoleArn,
    dead_letters: QueueArn,
    key: KeyArn,
    subnets: SubnetIds,
    security_group: SecurityGroupId,
) -> scheduler.Schedule:
    """Return the schedule that runs the task definition of this release. The schedule is disabled before the first
    release.
    """
    vpc = scheduler.AwsVpcConfiguration(AssignPublicIp="DISABLED", Subnets=subnets, SecurityGroups=[security_group])
    task = scheduler.EcsParameters(
        TaskDefinitionArn=definition.ref(),
        TaskCount=1,
        LaunchType="FARGATE",
        PlatformVersion="1.4.0",
        NetworkConfiguration=scheduler.NetworkConfiguration(AwsvpcConfiguration=vpc),
        Group=job_group(env, service),
        EnableECSManagedTags=True,
        EnableExecuteCommand=service.settings.audited_exec,
        PropagateTags="TASK_DEFINITION",
    )
    window = scheduler.FlexibleTimeWindow(Mode="OFF")
    if job.window_minutes:
        window = scheduler.FlexibleTimeWindow(Mode="FLEXIBLE", MaximumWindowInMinutes=job.window_minutes)
    return scheduler.Schedule(
        logical_id,
        Name=physical_name(env, "AWS::Scheduler::Schedule", service.name),
        GroupName=group,
        Description=f"Runs {service.name}",
        ScheduleExpression=job.schedule,
        ScheduleExpressionTimezone=job.time_zone or env.settings.time_zone,
        State=If(BOOTSTRAP_CONDITION, "DISABLED", "ENABLED") if job.enabled else "DISABLED",
        FlexibleTimeWindow=window,
        KmsKeyArn=key,
        Target=scheduler.Target(
            Arn=Sub(cluster_arn(env)),
            RoleArn=role,
            EcsParameters=task,
            RetryPolicy=scheduler.RetryPolicy(
                MaximumEventAgeInSeconds=GIVE_UP_SECONDS, MaximumRetryAttempts=job.retries
            ),
            DeadLetterConfig=scheduler.DeadLetterConfig(Arn=dead_letters),
        ),
    )
