"""Lists the alarms, the EventBridge rules and the subscribers of SNS topics for a review page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd_templates.review.formatting import Formatter
from cicd_templates.template.stack_template import StackTemplate

ALARM_HEADS = ("stack", "alarm or rule", "trigger", "missing data", "notifies")
SUBSCRIBER_HEADS = ("stack", "topic", "subscribers")
_COMPARISONS = {
    "GreaterThanThreshold": "above",
    "GreaterThanOrEqualToThreshold": "at least",
    "LessThanThreshold": "below",
    "LessThanOrEqualToThreshold": "at most",
}


def alarm_rows(stack: StackTemplate, formatter: Formatter) -> list[tuple[str, ...]]:
    """Return the rows of alarms and EventBridge rules. Rows that would differ only in the names are merged."""
    names: dict[tuple[str, str, str], list[str]] = {}
    for logical_id, resource in stack.resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            notified = formatter.format(properties.get("AlarmActions", [])) or "nobody"
            missing = properties.get("TreatMissingData", "not set")
            names.setdefault((_alarm(properties, formatter), missing, notified), []).append(logical_id)
        elif resource["Type"] == "AWS::Events::Rule":
            targets = ", ".join(formatter.format(target["Arn"]) for target in properties.get("Targets", ()))
            trigger = properties.get("Description") or properties.get("ScheduleExpression", "")
            names.setdefault((formatter.format(trigger), "", targets or "nobody"), []).append(logical_id)
    return [(stack.label, ", ".join(logical_ids), *row) for row, logical_ids in names.items()]


def _alarm(properties: Mapping[str, Any], formatter: Formatter) -> str:
    """Return the description of an alarm, and the comparison that puts the alarm into the state ALARM."""
    if "AlarmRule" in properties:
        return formatter.format(properties["AlarmRule"])
    metric = properties.get("MetricName") or next(
        (query["Expression"] for query in properties.get("Metrics", ()) if "Expression" in query), "its metric"
    )
    threshold = properties.get("Threshold", "")
    comparison = _COMPARISONS.get(properties.get("ComparisonOperator", ""), properties.get("ComparisonOperator", ""))
    measured = f"{formatter.format(metric)} {comparison} {threshold:g}" if isinstance(threshold, int | float) else ""
    return ": ".join(filter(None, [formatter.format(properties.get("AlarmDescription", "")), measured]))


def subscriber_rows(stack: StackTemplate, formatter: Formatter) -> list[tuple[str, ...]]:
    """Return one row for each SNS topic, with its subscribers."""
    endpoints: dict[str, list[str]] = {
        logical_id: [] for logical_id, resource in stack.resources.items() if resource["Type"] == "AWS::SNS::Topic"
    }
    for resource in stack.resources.values():
        if resource["Type"] == "AWS::SNS::Subscription":
            properties = resource["Properties"]
            endpoints.setdefault(formatter.format(properties["TopicArn"]), []).append(
                formatter.format(properties["Endpoint"])
            )
    return [(stack.label, topic, ", ".join(addresses) or "nobody") for topic, addresses in endpoints.items()]
