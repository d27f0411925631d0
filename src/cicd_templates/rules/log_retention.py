"""E9142: log groups set their retention; in protected environments, the retention is a year or more."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.plurals import counted
from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

# PCI DSS 4.0.1, requirement 10.5.1: twelve months.
PROTECTED_DAYS = 365


class LogRetention(ResourceRule):
    """Require a retention for every log group; in protected environments, a year or more."""

    id = "E9142"
    shortdesc = "Log groups state their retention"
    description = (
        "A log group without retention keeps its events forever, and you pay for them. In protected environments, "
        f"PCI DSS 10.5.1 requires {PROTECTED_DAYS} days or more. The metadata of a template (CicdTemplates) says "
        "whether its environment is protected."
    )
    source_url = "docs/rules.md#e9142"
    tags = ["logs"]
    types = frozenset({"AWS::Logs::LogGroup"})

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding if the retention is missing or too short."""
        for node in resource.properties("RetentionInDays"):
            if node.value is None:
                yield RuleFinding("RetentionInDays is missing; state how long logs are kept", node.path)
            elif resource.facts.get("Protection") == "protected":
                days = str(node.value)
                if days.isdecimal() and int(days) < PROTECTED_DAYS:
                    yield RuleFinding(
                        f"{counted(int(days), 'day')} is too short; a protected environment keeps logs for"
                        f" {PROTECTED_DAYS} or more",
                        node.path,
                    )
