"""W9151: anything that can hang must set a timeout."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Resource, values
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

STATED = {
    "AWS::CodeBuild::Project": ("TimeoutInMinutes", "QueuedTimeoutInMinutes"),
    "AWS::Lambda::Function": ("Timeout",),
    "AWS::Synthetics::Canary": ("RunConfig/TimeoutInSeconds",),
}
PIPELINE_TYPE = "AWS::CodePipeline::Pipeline"


class Timeouts(ResourceRule):
    """Require explicit timeouts for builds, functions, canaries and approvals."""

    id = "W9151"
    shortdesc = "Timeouts are explicit"
    description = (
        "By default, a build waits in the queue for up to eight hours, and then runs for up to one hour. A function "
        "ends after three seconds. An approval waits for a week. Every build, function and approval must set its "
        "timeout, so that a hang is noticed early and costs little."
    )
    source_url = "docs/rules.md#w9151"
    tags = ["operation"]
    types = frozenset({*STATED, PIPELINE_TYPE})

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each missing timeout."""
        for key in STATED.get(resource.type, ()):
            for node in resource.properties(*key.split("/")):
                if node.value is None:
                    yield RuleFinding(f"{key} is missing; set a time limit", node.path)
        if resource.type == PIPELINE_TYPE:
            for action in resource.properties("Stages", EACH, "Actions", EACH):
                approves = any(kind.value == "Approval" for kind in values(action, "ActionTypeId", "Category"))
                if approves and any(node.value is None for node in values(action, "TimeoutInMinutes")):
                    yield RuleFinding("TimeoutInMinutes of an approval is missing; set a time limit", action.path)
