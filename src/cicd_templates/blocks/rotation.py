"""Creates the rotation function, its event rules and its alarm. The function deploys a service again when a secret of
the service changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from awacs import ecs
from troposphere import AWSHelperFn, AWSObject, Sub, awslambda, cloudwatch

from cicd_templates.blocks.alarms import Metric, alarm
from cicd_templates.blocks.event_rules import MonitoredService, invocation_rule
from cicd_templates.blocks.lambda_functions import inline_function, source
from cicd_templates.blocks.task_parts import is_parameter
from cicd_templates.config import reserved_words
from cicd_templates.config.naming import cluster_name, service_arn, service_name
from cicd_templates.config.tables.secret_field_types import without_json_key
from cicd_templates.layer.iam import allow
from cicd_templates.layer.outputs import KeyArn, TopicArn

ROTATION = reserved_words.ROTATION
# The longest time that Lambda allows. The function waits while another deployment of the service is in progress.
TIMEOUT_SECONDS = 900
# EventBridge accepts 2,048 characters in a pattern. The rest of the pattern needs fewer than 200 of them:
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
ARNS_LENGTH = 1800
# The ARN of a secret of this project is unknown until the deployment. It is not longer than this.
REFERENCE_LENGTH = 250


def redeploying_function(monitored: MonitoredService, key: KeyArn) -> tuple[AWSObject, AWSObject, awslambda.Function]:
    """Return, in this order, a log group, a role, and the Lambda function that deploys the service again.

    In ECS, the role may list the deployments of this service and update this service, and do nothing else.
    """
    env, service = monitored.env, monitored.service
    group, role, function = inline_function(
        "Rotation",
        env,
        source("rotation"),
        allow(
            "DeployTheServiceAgain",
            [ecs.ListServiceDeployments, ecs.UpdateService],
            on=Sub(service_arn(env, service.name)),
        ),
        name=(service.name, ROTATION),
        key=key,
        dead_letters=monitored.dead_letters,
        timeout_seconds=TIMEOUT_SECONDS,
        variables={"CLUSTER": cluster_name(env), "SERVICE": service_name(env, service.name)},
    )
    if env.pipeline.reserve_concurrency:
        # Two invocations at the same time could both find no deployment in progress, and start one each.
        function.ReservedConcurrentExecutions = 1
    return group, role, function


def change_rules(
    monitored: MonitoredService, function: awslambda.Function, arns: Iterable[AWSHelperFn | str]
) -> Iterator[AWSObject]:
    """Yield the rules that invoke `function` when a secret or parameter in `arns` gets a new value.

    After each rule, yield the Lambda permission that lets the rule invoke the function. The events come directly from
    Secrets Manager and Parameter Store, not from CloudTrail:
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/secret-event-notifications.html
    https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-cwe.html
    """
    whole = dict.fromkeys(without_json_key(arn) if isinstance(arn, str) else arn for arn in arns)
    parameters = [arn for arn in whole if is_parameter(arn)]
    secrets = [arn for arn in whole if not is_parameter(arn)]
    # The label moves to a new version at the end of a rotation, and when somebody sets a value.
    rotated = {
        "source": ["aws.secretsmanager"],
        "detail-type": ["Secret Label Updated"],
        "detail": {"labelUpdated": ["AWSCURRENT"]},
    }
    changed = {
        "source": ["aws.ssm"],
        "detail-type": ["Parameter Store Change"],
        "detail": {"operation": ["Create", "Update"]},
    }
    yield from _rules("RotatedSecrets", "rotated-secrets", "secret", monitored, function, rotated, secrets)
    yield from _rules("ChangedParameters", "changed-parameters", "parameter", monitored, function, changed, parameters)


def _rules(
    logical_id: str,
    purpose: str,
    noun: str,
    monitored: MonitoredService,
    function: awslambda.Function,
    pattern: dict[str, Any],
    arns: Sequence[AWSHelperFn | str],
) -> Iterator[AWSObject]:
    for number, part in enumerate(_parts(arns), 1):
        later = number > 1
        yield from invocation_rule(
            f"{logical_id}{number}Rule" if later else f"{logical_id}Rule",
            monitored,
            f"{purpose}-{number}" if later else purpose,
            f"Deploys {monitored.service.name} again when a {noun} of its containers has a new value",
            function,
            EventPattern={**pattern, "resources": part},
        )


def _parts(arns: Sequence[AWSHelperFn | str]) -> Iterator[list[AWSHelperFn | str]]:
    """Split `arns` into lists. Each list is short enough for the event pattern of one rule."""
    part: list[AWSHelperFn | str] = []
    left = ARNS_LENGTH
    for arn in arns:
        length = _length(arn)
        if part and length > left:
            yield part
            part, left = [], ARNS_LENGTH
        part.append(arn)
        left -= length
    if part:
        yield part


def _length(arn: AWSHelperFn | str) -> int:
    """Return how many characters an ARN needs in a rule's pattern, including two quotation marks and a comma."""
    text = str(arn.data) if isinstance(arn, Sub) else arn
    return (len(text) if isinstance(text, str) else REFERENCE_LENGTH) + 3


def dropped_events_alarm(
    monitored: MonitoredService, function: awslambda.Function, operations: TopicArn
) -> cloudwatch.Alarm:
    """Return the alarm that notifies `operations` if Lambda drops an event after failed invocations of `function`.

    The alarm does not use the metric `Errors`, because some errors are normal: while another deployment is in progress,
    the function raises an error, and Lambda invokes the function again later.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html#async-invocation-metrics
    """
    name = monitored.service.name
    metric = Metric("AWS/Lambda", "AsyncEventsDropped", {"FunctionName": function.ref()}, statistic="Sum")
    description = f"Tasks of {name} still have the previous value of a secret, because no new deployment could start"
    return alarm("RotationDropped", monitored.env, [name, ROTATION, "dropped"], description, metric, above=0,
                 tell=[operations])  # fmt: skip
