"""E9142: log groups say how long they keep what they hold, and long enough."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import Finding, ResourceRule

# PCI DSS 4.0.1, 10.5.1: twelve months.
PROTECTED_DAYS = 365


class LogRetention(ResourceRule):
    """Retention on every log group, a year in protected environments."""

    id = "E9142"
    shortdesc = "Log groups state their retention"
    description = (
        "A log group without retention keeps everything for ever and is paid for. In an environment that says it "
        f"is protected (metadata CicdTemplates) it keeps {PROTECTED_DAYS} days or more, as PCI DSS 10.5.1 wants it."
    )
    source_url = "docs/rules.md#e9142"
    tags = ["logs"]
    types = frozenset({"AWS::Logs::LogGroup"})

    def check(self, resource: Resource) -> Iterator[Finding]:
        """One finding if it is missing or too short."""
        for found in resource.properties("RetentionInDays"):
            if found.value is None:
                yield Finding("RetentionInDays is missing: say how long logs are kept", found.path)
            elif resource.facts.get("Protection") == "protected":
                days = str(found.value)
                if days.isdecimal() and int(days) < PROTECTED_DAYS:
                    yield Finding(f"{days} days are too short here; keep logs for {PROTECTED_DAYS} or more", found.path)
