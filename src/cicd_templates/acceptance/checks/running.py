"""Checks the running environments: drift detection, alarms, and the KMS key of each environment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cicd_templates.acceptance.check import Check, CheckContext, CheckFailed, LocalCoverage, require
from cicd_templates.acceptance.checks.deployments import CHANGES, NOTHING
from cicd_templates.acceptance.checks.stacks import stacks_of
from cicd_templates.acceptance.project import ENVIRONMENTS, STAGING
from cicd_templates.deploy.aws.retry import ignore_transient
from cicd_templates.template import cloudformation_yaml

# CloudFormation detects drift of log groups. A changed retention deletes nothing in an environment that is only hours
# old.
DAYS_AS_RENDERED, OTHER_DAYS = 1, 3
LOG_GROUP, ALARM = "AWS::Logs::LogGroup", "AWS::CloudWatch::Alarm"
POLL_SECONDS, ACTION_SECONDS = 15.0, 300.0
REASON = "the acceptance run asks"
DECRYPT, ENCRYPT = "kms:Decrypt", frozenset({"kms:GenerateDataKey*", "kms:GenerateDataKey"})


def show_drift(context: CheckContext) -> str:
    """Change a log group outside CloudFormation, require that drift detection finds the change, and undo it."""
    logs, name = context.clients(STAGING).logs, _log_group(context)
    try:
        logs.put_retention_policy(logGroupName=name, retentionInDays=OTHER_DAYS)
        found = context.commands.on("drift", STAGING, expected=(NOTHING, CHANGES))
    finally:
        logs.put_retention_policy(logGroupName=name, retentionInDays=DAYS_AS_RENDERED)
    require(found.code == CHANGES, "drift detection did not find a change that was made outside CloudFormation")
    after = context.commands.on("drift", STAGING, expected=(NOTHING, CHANGES))
    require(after.code == NOTHING, "the change was undone, but drift detection still finds drift")
    return "drift detection found a change of a log group, and found no drift after the change was undone"


def _log_group(context: CheckContext) -> str:
    """Return the first log group of staging whose name and retention are literal values in its template."""
    for path in sorted(context.project.rendered(STAGING).glob("*.yaml")):
        template = cloudformation_yaml.load(path.read_text(encoding="utf-8"))
        for resource in template["Resources"].values():
            properties = resource.get("Properties", {})
            name = properties.get("LogGroupName")
            if resource["Type"] == LOG_GROUP and isinstance(name, str) and _is_short(properties):
                return name
    raise CheckFailed("no template of staging has a log group with the retention period of this acceptance run")


def _is_short(properties: dict[str, Any]) -> bool:
    return bool(properties.get("RetentionInDays") == DAYS_AS_RENDERED)


def see_alarms(context: CheckContext) -> str:
    """Require that each alarm has an action, and that each environment has an SNS topic for operations."""
    count = 0
    for environment in ENVIRONMENTS:
        topics = context.clients(environment).sns.get_paginator("list_topics").paginate()
        names = {topic["TopicArn"].rpartition(":")[2] for page in topics for topic in page["Topics"]}
        require(
            f"{context.project.name(environment)}-operations" in names, f"{environment} has no topic for operations"
        )
        for where, properties in _deployed_alarms(context, environment):
            acts = properties.get("AlarmActions") and properties.get("ActionsEnabled", True) is True
            require(acts, f"{environment}: {where} has no action")
            count += 1
    require(count, "no alarm is deployed")
    return f"{count} alarms of {len(ENVIRONMENTS)} environments have an action, and the topics of operations exist"


def _deployed_alarms(context: CheckContext, environment: str) -> Iterator[tuple[str, Any]]:
    """Yield the name and the properties of each alarm in the templates of the deployed stacks."""
    prefix = f"{context.project.name(environment)}-"
    for name in stacks_of(context, environment):
        body = context.clients(environment).cloudformation.get_template(StackName=name)["TemplateBody"]
        for logical, resource in cloudformation_yaml.load(str(body))["Resources"].items():
            if resource["Type"] == ALARM:
                yield f"{name.removeprefix(prefix)}/{logical}", resource["Properties"]


def hear_alarms(context: CheckContext) -> str:
    """In each environment, set an alarm to ALARM and back. Require that CloudWatch has executed the alarm's action."""
    for environment in ENVIRONMENTS:
        cloudwatch = context.clients(environment).cloudwatch
        pages = cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{context.project.name(environment)}-", AlarmTypes=["MetricAlarm"]
        )
        names = [alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]]
        require(names, f"{environment} has no alarm")
        _require_action(context, cloudwatch, names[0], f"{environment}: the action of an alarm")
    return f"in each of {len(ENVIRONMENTS)} environments, the message of an alarm reached the encrypted topic"


def _require_action(context: CheckContext, cloudwatch: Any, name: str, what: str) -> None:
    """Set an alarm to ALARM, wait up to five minutes until CloudWatch has executed the action, and reset the alarm.

    Actions of an earlier, interrupted attempt are also in the alarm's history, but do not count.
    """
    before = _succeeded_actions(cloudwatch, name)

    def acted() -> bool:
        return any(item not in before for item in _succeeded_actions(cloudwatch, name))

    try:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason=REASON)
        polling = context.polling(POLL_SECONDS)
        polling.until(ignore_transient(acted), what, ACTION_SECONDS, "the CloudWatch console shows the alarm's history")
    finally:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason=REASON)


def _succeeded_actions(cloudwatch: Any, name: str) -> list[tuple[datetime, str]]:
    """Return the time and the history data of each action that the alarm `name` started successfully."""
    pages = cloudwatch.get_paginator("describe_alarm_history").paginate(AlarmName=name, HistoryItemType="Action")
    items = [item for page in pages for item in page["AlarmHistoryItems"]]
    succeeded = [item for item in items if json.loads(item["HistoryData"]).get("actionState") == "Succeeded"]
    return [(item["Timestamp"], item["HistoryData"]) for item in succeeded]


def use_keys(context: CheckContext) -> str:
    """Require that each environment's KMS key is enabled and rotated, and that somebody may use the key."""
    for environment in ENVIRONMENTS:
        clients = context.clients(environment)
        alias = f"alias/{context.project.name(environment)}-key"
        key = clients.kms.describe_key(KeyId=alias)["KeyMetadata"]
        require(key["KeyState"] == "Enabled", f"the key of {environment} is {key['KeyState']}")
        rotated = clients.kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
        require(rotated, f"the key of {environment} is not rotated")
        policy = json.loads(clients.kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
        require(_may_be_used(policy), f"nobody may use the key of {environment}")
    return f"the KMS keys of {len(ENVIRONMENTS)} environments are enabled, rotated, and usable"


def _may_be_used(policy: dict[str, Any]) -> bool:
    allowed: set[str] = set()
    for statement in policy["Statement"]:
        if statement["Effect"] == "Allow":
            actions = statement["Action"]
            allowed.update([actions] if isinstance(actions, str) else actions)
    return DECRYPT in allowed and bool(allowed & ENCRYPT)


DRIFT_FOUND = Check(
    "drift-found",
    "Drift detection finds a change that was made outside CloudFormation.",
    show_drift,
    needs=("deployed",),
)
ALARMS = Check(
    "alarms",
    "Every alarm has an action, and the topics for notifications exist.",
    see_alarms,
    needs=("deployed",),
    local_coverage=LocalCoverage.STEPS_ONLY,
    local_limit="the local AWS stores alarms, but sends no notifications",
)
HEARD = Check(
    "alarms-heard",
    "CloudWatch is allowed to publish alarms to the encrypted topics.",
    hear_alarms,
    needs=("deployed",),
    local_coverage=LocalCoverage.NOT_POSSIBLE,
    local_limit="the local AWS stores alarms, but does not evaluate them",
    question="Is CloudWatch allowed to publish alarms to topics that use the environment's KMS key?",
)
KEYS = Check(
    "keys",
    "The KMS key of every environment is enabled, rotated, and usable.",
    use_keys,
    needs=("deployed",),
)
