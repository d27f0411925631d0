"""Judges whether people notice that a permission is missing. `rehearse` takes the permissions away.

A failed action is noticed. If the action succeeds, a message in its log is not enough, because nobody reads the log of
an action that succeeded. The function must also have counted the error in a metric, and an alarm on exactly this metric
must notify a topic that has a subscription. The local AWS evaluates no alarms, so this module compares the metric with
the deployed alarms.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from cicd_templates.local.iam_decisions import DENIED
from cicd_templates.rehearsal.grants import role_name
from cicd_templates.rehearsal.result import ActionProgress, ActionState
from cicd_templates.rehearsal.sessions import Session

FAILED_ACTION = "a failed action"
# The error codes of services begin with this word if a permission is missing.
ACCESS_DENIED = "AccessDenied"
COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True)
class Datum:
    """A value of a metric, as CloudWatch extracts it from a log."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]
    value: float


@dataclass(frozen=True)
class Alarms:
    """The deployed alarms, as CloudWatch describes them, and the ARNs of the topics that have a subscription."""

    alarms: Sequence[Mapping[str, Any]]
    subscribed: AbstractSet[str]

    def raised_by(self, log: str) -> list[str]:
        """Return the names of the alarms that notify somebody because of the metrics in `log`."""
        data = list(logged_data(log))
        return [
            str(alarm["AlarmName"])
            for alarm in self.alarms
            if alarm["ActionsEnabled"]
            and not self.subscribed.isdisjoint(alarm["AlarmActions"])
            and any(_is_breached(alarm, datum) for datum in data)
        ]


def deployed_alarms(session: Session) -> Alarms:
    """Return the alarms and topics of an account and a region."""
    alarms = session.client("cloudwatch").get_paginator("describe_alarms").paginate()
    subscriptions = session.client("sns").get_paginator("list_subscriptions").paginate()
    return Alarms(
        [alarm for page in alarms for alarm in page["MetricAlarms"]],
        {str(each["TopicArn"]) for page in subscriptions for each in page["Subscriptions"]},
    )


def logged_data(log: str) -> Iterator[Datum]:
    """Yield the data of metrics in a function's log, in CloudWatch's embedded metric format.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    for line in log.splitlines():
        try:
            root = json.loads(line)
            # CloudWatch extracts nothing from a line of which a part is invalid.
            data = [datum for directive in root["_aws"]["CloudWatchMetrics"] for datum in _data(root, directive)]
        except (KeyError, TypeError, ValueError):
            continue
        yield from data


def _data(root: Mapping[str, Any], directive: Mapping[str, Any]) -> list[Datum]:
    return [
        Datum(directive["Namespace"], metric["Name"], frozenset((name, root[name]) for name in names), float(value))
        for names in directive["Dimensions"]
        for metric in directive["Metrics"]
        for value in (root[metric["Name"]] if isinstance(root[metric["Name"]], list) else [root[metric["Name"]]])
    ]


def _is_breached(alarm: Mapping[str, Any], datum: Datum) -> bool:
    """Return whether one datum is enough for the alarm's state ALARM. An alarm that needs more data is not."""
    about = Datum(
        str(alarm.get("Namespace")),
        str(alarm.get("MetricName")),
        frozenset((each["Name"], each["Value"]) for each in alarm.get("Dimensions", ())),
        datum.value,
    )
    compare = COMPARISONS.get(alarm["ComparisonOperator"])
    is_enough = (alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]) == 1
    value = 1.0 if alarm.get("Statistic") == "SampleCount" else datum.value
    return about == datum and is_enough and compare is not None and compare(value, alarm["Threshold"])


def how_noticed(step: ActionProgress, role: str, action: str, rows: Iterable[Sequence[str]], alarms: Alarms) -> str:
    """Return how people notice that `role` lacks `action`, or an empty string. `rows` are IAM's decisions in `step`."""
    if step.state is ActionState.FAILED:
        return FAILED_ACTION if f"may not {action}" in step.error else ""
    denied = [row for row in rows if row[3] == DENIED and (role_name(row[0]), row[1]) == (role, action)]
    if not denied or ACCESS_DENIED not in step.log:
        return ""
    return next((f"the alarm {name}" for name in alarms.raised_by(step.log)), "")
