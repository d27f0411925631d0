"""Log groups that exist before anything writes to them: encrypted, with an end, and with the grant to write."""

from __future__ import annotations

from awacs import logs as actions
from troposphere import GetAtt, logs

from cicd_templates.blocks.lifecycle import stateful
from cicd_templates.environment import Environment
from cicd_templates.iam import Grant, allow
from cicd_templates.outputs import KeyArn, text


def log_group(logical_id: str, env: Environment, name: str, key: KeyArn) -> logs.LogGroup:
    """A log group under the environment's key, its events kept for the environment's retention.

    Without it the service makes one of its own, unencrypted, without end and outside the stack.
    """
    return stateful(
        logs.LogGroup(logical_id, LogGroupName=name, KmsKeyId=key, RetentionInDays=env.settings.log_retention_days),
        env,
    )


def may_write(sid: str, group: logs.LogGroup) -> Grant:
    """Lets a role open streams in `group` and write events to them; the group itself it finds ready."""
    # The ARN of a log group ends in `:*`, which stands for its streams.
    return allow(sid, [actions.CreateLogStream, actions.PutLogEvents], on=text(GetAtt(group, "Arn")))
