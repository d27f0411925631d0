"""W9151: whatever can hang says after how long it has."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Resource, values
from cicd_templates.rules.resource_rule import Finding, ResourceRule

STATED = {
    "AWS::CodeBuild::Project": ("TimeoutInMinutes", "QueuedTimeoutInMinutes"),
    "AWS::Lambda::Function": ("Timeout",),
    "AWS::Synthetics::Canary": ("RunConfig/TimeoutInSeconds",),
}
PIPELINE = "AWS::CodePipeline::Pipeline"


class Timeouts(ResourceRule):
    """Timeouts are stated."""

    id = "W9151"
    shortdesc = "Timeouts are stated"
    description = (
        "A build that hangs runs for an hour by default and waits for eight, a function ends after three seconds, "
        "and an approval waits for a week. Each says how long it may take, so that a hang is noticed and not paid "
        "for."
    )
    source_url = "docs/rules.md#w9151"
    tags = ["operation"]
    types = frozenset({*STATED, PIPELINE})

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each timeout that is not stated."""
        for key in STATED.get(resource.type, ()):
            for found in resource.properties(*key.split("/")):
                if found.value is None:
                    yield Finding(f"{key} is not stated; say how long it may take", found.path)
        if resource.type == PIPELINE:
            for action in resource.properties("Stages", EACH, "Actions", EACH):
                approves = any(kind.value == "Approval" for kind in values(action, "ActionTypeId", "Category"))
                if approves and any(found.value is None for found in values(action, "TimeoutInMinutes")):
                    yield Finding("TimeoutInMinutes of an approval is not stated; say how long it waits", action.path)
