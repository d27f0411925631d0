"""Alarms and events: what is watched, and who hears of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cicd_templates.review.formatting import Formatter
from cicd_templates.template.stack_template import StackTemplate

HEADS = ("stack", "alarm or rule", "when", "missing data", "tells")
SUBSCRIBERS = ("stack", "topic", "tells")
_COMPARISONS = {
    "GreaterThanThreshold": "above",
    "GreaterThanOrEqualToThreshold": "at least",
    "LessThanThreshold": "below",
    "LessThanOrEqualToThreshold": "at most",
}


def rows(stack: StackTemplate, formatter: Formatter) -> list[tuple[str, ...]]:
    """A row an alarm and a row a rule of EventBridge."""
    found: list[tuple[str, ...]] = []
    for logical_id, resource in stack.resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            told = formatter.say(properties.get("AlarmActions", [])) or "nobody"
            missing = properties.get("TreatMissingData", "not said")
            found.append((stack.label, logical_id, _alarm(properties, formatter), missing, told))
        elif resource["Type"] == "AWS::Events::Rule":
            targets = ", ".join(formatter.say(target["Arn"]) for target in properties.get("Targets", ()))
            what = properties.get("Description") or properties.get("ScheduleExpression", "")
            found.append((stack.label, logical_id, formatter.say(what), "", targets or "nobody"))
    return found


def _alarm(properties: Mapping[str, Any], formatter: Formatter) -> str:
    if "AlarmRule" in properties:
        return formatter.say(properties["AlarmRule"])
    metric = properties.get("MetricName") or next(
        (query["Expression"] for query in properties.get("Metrics", ()) if "Expression" in query), "its metric"
    )
    threshold = properties.get("Threshold", "")
    comparison = _COMPARISONS.get(properties.get("ComparisonOperator", ""), properties.get("ComparisonOperator", ""))
    measured = f"{formatter.say(metric)} {comparison} {threshold:g}" if isinstance(threshold, int | float) else ""
    return ": ".join(filter(None, [formatter.say(properties.get("AlarmDescription", "")), measured]))


def subscribers(stack: StackTemplate, formatter: Formatter) -> list[tuple[str, ...]]:
    """A row a topic with those who are subscribed."""
    told: dict[str, list[str]] = {
        logical_id: [] for logical_id, resource in stack.resources.items() if resource["Type"] == "AWS::SNS::Topic"
    }
    for resource in stack.resources.values():
        if resource["Type"] == "AWS::SNS::Subscription":
            properties = resource["Properties"]
            told.setdefault(formatter.say(properties["TopicArn"]), []).append(formatter.say(properties["Endpoint"]))
    return [(stack.label, topic, ", ".join(addresses) or "nobody") for topic, addresses in told.items()]
