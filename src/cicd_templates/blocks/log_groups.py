"""Creates encrypted log groups with a retention period, and the grant to write to them."""

from __future__ import annotations

from awacs import logs as actions
from troposphere import GetAtt, logs

from cicd_templates.blocks.removal_policies import stateful
from cicd_templates.config.environment import Environment
from cicd_templates.layer.iam import Grant, allow
from cicd_templates.layer.outputs import KeyArn, joined_text
from cicd_templates.template.partitions import partition_of


def log_group(logical_id: str, env: Environment, name: str, key: KeyArn) -> logs.LogGroup:
    """Return a log group that is encrypted with the environment's KMS key and has the environment's retention period.

    The stack must create the log group before an AWS service writes to it. If the log group is missing, the service
    creates it outside the stack, without this encryption and retention period.
    """
    return stateful(
        logs.LogGroup(logical_id, LogGroupName=name, KmsKeyId=key, RetentionInDays=env.settings.log_retention_days),
        env,
    )


# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/protect-sensitive-log-data-types-financial.html
CARD_DATA = ("CreditCardNumber", "CreditCardSecurityCode")


def masked_log_group(logical_id: str, env: Environment, name: str, key: KeyArn) -> logs.LogGroup:
    """Return a log group that masks payment card data and counts its occurrences.

    Reading the unmasked data requires a separate permission:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch-logs-data-protection-policies.html
    """
    group = log_group(logical_id, env, name, key)
    partition = partition_of(env.region).name
    identifiers = [f"arn:{partition}:dataprotection::aws:data-identifier/{kind}" for kind in CARD_DATA]
    operations: dict[str, dict[str, dict[str, str]]] = {
        "Audit": {"FindingsDestination": {}},
        "Deidentify": {"MaskConfig": {}},
    }
    group.DataProtectionPolicy = {
        "Name": "card-data",
        "Version": "2021-06-01",
        "Statement": [
            {"Sid": name, "DataIdentifier": identifiers, "Operation": {name: how}} for name, how in operations.items()
        ],
    }
    return group


def may_write(sid: str, group: logs.LogGroup) -> Grant:
    """Let a role create streams in `group` and write events to them. The role cannot create log groups."""
    # The ARN of a log group ends in `:*`, which stands for the group's streams.
    return allow(sid, [actions.CreateLogStream, actions.PutLogEvents], on=joined_text(GetAtt(group, "Arn")))
