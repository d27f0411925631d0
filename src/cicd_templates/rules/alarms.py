"""W9152: an alarm tells somebody, and says what silence means."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Resource
from cicd_templates.rules.resource_rule import Finding, ResourceRule

METRIC_ALARM = "AWS::CloudWatch::Alarm"


class Alarms(ResourceRule):
    """Alarms with actions and stated missing data."""

    id = "W9152"
    shortdesc = "An alarm tells somebody, and says what silence means"
    description = (
        "An alarm without an action, or with its actions switched off, is a light in an empty room. What missing "
        "data means depends on the metric: an error count that is silent is well, a heartbeat that is silent is "
        "not."
    )
    source_url = "docs/rules.md#w9152"
    tags = ["operation"]
    types = frozenset({METRIC_ALARM, "AWS::CloudWatch::CompositeAlarm"})

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each of the three."""
        for found in resource.properties("AlarmActions"):
            empty = isinstance(found.value, list) and not any(True for _ in resource.properties("AlarmActions", EACH))
            if found.value is None or empty:
                yield Finding("the alarm tells nobody; name a topic under AlarmActions", found.path)
        for found in resource.properties("ActionsEnabled"):
            if str(found.value).lower() == "false":
                yield Finding("the actions of the alarm are switched off", found.path)
        if resource.type == METRIC_ALARM:
            for found in resource.properties("TreatMissingData"):
                if found.value is None:
                    yield Finding("say under TreatMissingData what it means that no data comes", found.path)
