"""Lists the alarms, the EventBridge rules and the subscribers of SNS topics for a review page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cicd_templates.review.formatting import Formatter
from cicd_templates.review.statements import OWN_MARK
from cicd_templates.template.intrinsics import possible_values, values_at
from cicd_templates.template.stack_template import StackTemplate

ALARM_HEADS = ("stack", "alarm or rule", "trigger", "missing data", "notifies")
SUBSCRIBER_HEADS = ("stack", "topic", "subscribers")
_NAME = re.compile(r"[\w-]+")
_COMPARISONS = {
    "GreaterThanThreshold": "above",
    "GreaterThanOrEqualToThreshold": "at least",
    "LessThanThreshold": "below",
    "LessThanOrEqualToThreshold": "at most",
}


def alarm_rows(stack: StackTemplate, formatter: Formatter) -> list[tuple[str, ...]]:
    """Return the rows of alarms and EventBridge rules.

    Alarms that differ only in their names share a row. If the trigger of an alarm contains the alarm's own name, the
    shared row has `OWN_MARK` instead of this name.
    """
    alike: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for logical_id, resource in stack.resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            notified = formatter.format(properties.get("AlarmActions", [])) or "nobody"
            missing = formatter.format(properties.get("TreatMissingData", "not set"))
            trigger = _alarm(properties, formatter)
            alike.setdefault((_without_own_name(trigger, logical_id), missing, notified), []).append(
                (logical_id, trigger)
            )
        elif resource["Type"] == "AWS::Events::Rule":
            targets = ", ".join(_endpoints(properties.get("Targets", []), "Arn", formatter))
            trigger = formatter.format(properties.get("Description") or properties.get("ScheduleExpression", ""))
            alike.setdefault((trigger, "", targets or "nobody"), []).append((logical_id, trigger))
    rows = []
    for (pattern, *rest), merged in alike.items():
        triggers = {trigger for _, trigger in merged}
        logical_ids = ", ".join(logical_id for logical_id, _ in merged)
        rows.append((stack.label, logical_ids, pattern if len(triggers) > 1 else triggers.pop(), *rest))
    return rows


def _without_own_name(text: str, logical_id: str) -> str:
    """Replace the alarm's own name in `text` by `OWN_MARK`. The name consists of the first words of `logical_id`."""
    words = [word.lower() for word in re.findall(r"[A-Z][a-z0-9]*", logical_id)]
    names = _NAME.findall(text)
    beginnings = ("-".join(words[:end]) for end in range(len(words) - 1, 0, -1))
    own = next((beginning for beginning in beginnings if beginning in names), "")
    return _NAME.sub(lambda name: OWN_MARK if name[0] == own else name[0], text) if own else text


def _alarm(properties: Mapping[str, Any], formatter: Formatter) -> str:
    """Return the description of an alarm, and the comparison that puts the alarm into the state ALARM."""
    if "AlarmRule" in properties:
        return formatter.format(properties["AlarmRule"])
    metric = properties.get("MetricName") or next(values_at(properties, "Metrics", "Expression"), "its metric")
    # An alarm of an anomaly has no number, but the id of a metric. A threshold can also be a function or a text.
    threshold = properties.get("Threshold", properties.get("ThresholdMetricId", ""))
    limit = f"{threshold:g}" if isinstance(threshold, int | float) else formatter.format(threshold)
    operator = formatter.format(properties.get("ComparisonOperator", ""))
    comparison = _COMPARISONS.get(operator, operator)
    measured = " ".join(filter(None, [formatter.format(metric), comparison, limit])) if limit else ""
    return ": ".join(filter(None, [formatter.format(properties.get("AlarmDescription", "")), measured]))


def subscriber_rows(stack: StackTemplate, formatter: Formatter) -> list[tuple[str, ...]]:
    """Return one row for each SNS topic, with its subscribers."""
    endpoints: dict[str, list[str]] = {
        logical_id: list(_endpoints(resource.get("Properties", {}).get("Subscription", []), "Endpoint", formatter))
        for logical_id, resource in stack.resources.items()
        if resource["Type"] == "AWS::SNS::Topic"
    }
    for resource in stack.resources.values():
        if resource["Type"] == "AWS::SNS::Subscription":
            properties = resource["Properties"]
            topic = formatter.format(properties["TopicArn"])
            endpoints.setdefault(topic, []).extend(_endpoints([properties], "Endpoint", formatter))
    return [(stack.label, topic, ", ".join(addresses) or "nobody") for topic, addresses in endpoints.items()]


def _endpoints(listed: Any, key: str, formatter: Formatter) -> Iterator[str]:
    """Yield the value of `key` of each item in `listed`. An item that is an expression is yielded as a whole."""
    for item in possible_values(listed):
        yield formatter.format(item[key] if isinstance(item, dict) and key in item else item)
