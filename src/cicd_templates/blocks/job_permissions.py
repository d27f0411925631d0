"""The permissions that CloudFormation needs to create, update and delete a job's schedule.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/security_iam_id-based-policy-examples.html
"""

from __future__ import annotations

from awacs import iam, kms, scheduler
from awacs.aws import ArnEquals, StringEquals
from troposphere import Sub

from cicd_templates.blocks.jobs import schedule_arn
from cicd_templates.blocks.keys import may_use_through
from cicd_templates.config.environment import Environment, Service
from cicd_templates.config.naming import role_arn
from cicd_templates.config.reserved_words import SCHEDULE
from cicd_templates.layer.iam import Grant, allow
from cicd_templates.layer.outputs import KeyArn
from cicd_templates.template.partitions import regional_hosts


def may_keep_the_schedule(env: Environment, service: Service, key: KeyArn) -> list[Grant]:
    """Let CloudFormation manage a job's schedule, encrypt the schedule with `key`, and pass a role to the schedule."""
    schedule = schedule_arn(env, service)
    return [
        allow(
            "KeepTheSchedule",
            [scheduler.CreateSchedule, scheduler.DeleteSchedule, scheduler.GetSchedule, scheduler.UpdateSchedule],
            on=schedule,
        ),
        allow(
            "GiveTheScheduleItsRole",
            [iam.PassRole],
            on=Sub(role_arn(env, service.name, SCHEDULE)),
            when=[StringEquals({"iam:PassedToService": "scheduler.amazonaws.com"})],
        ),
        # EventBridge Scheduler uses the permissions of its caller to encrypt a schedule.
        allow(
            "EncryptTheSchedule",
            [kms.Decrypt, kms.GenerateDataKey],
            on=key,
            when=[
                StringEquals({"kms:ViaService": regional_hosts("scheduler", env.region)}),
                ArnEquals({"kms:EncryptionContext:aws:scheduler:schedule:arn": schedule}),
            ],
        ),
        may_use_through("CheckTheKeyOfTheSchedule", env, ["scheduler"], [kms.DescribeKey], key),
    ]
