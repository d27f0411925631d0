"""W9152: an alarm notifies somebody and sets how missing data is treated."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Resource
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

METRIC_ALARM = "AWS::CloudWatch::Alarm"


class Alarms(ResourceRule):
    """Require alarm actions and an explicit TreatMissingData."""

    id = "W9152"
    shortdesc = "An alarm notifies somebody and sets TreatMissingData"
    description = (
        "An alarm without an action, or with its actions disabled, changes state and notifies nobody. The meaning of"
        " missing data depends on the metric: an error count without data points is normal, but a heartbeat without"
        " data points is a failure."
    )
    source_url = "docs/rules.md#w9152"
    tags = ["operation"]
    types = frozenset({METRIC_ALARM, "AWS::CloudWatch::CompositeAlarm"})

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for missing actions, for disabled actions and for a missing TreatMissingData."""
        for node in resource.properties("AlarmActions"):
            empty = isinstance(node.value, list) and not any(True for _ in resource.properties("AlarmActions", EACH))
            if node.value is None or empty:
                yield RuleFinding("the alarm notifies nobody; add an SNS topic to AlarmActions", node.path)
        for node in resource.properties("ActionsEnabled"):
            if str(node.value).lower() == "false":
                yield RuleFinding(
                    "ActionsEnabled is false, so the alarm notifies nobody; remove ActionsEnabled, or set it to true",
                    node.path,
                )
        if resource.type == METRIC_ALARM:
            for node in resource.properties("TreatMissingData"):
                if node.value is None:
                    yield RuleFinding("TreatMissingData is missing; state how the alarm treats missing data", node.path)
