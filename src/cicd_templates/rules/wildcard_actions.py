"""E9111: a grant names its actions."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policies import EVERY, EVERY_TYPE, statements
from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import Finding, ResourceRule


class WildcardActions(ResourceRule):
    """No pattern among allowed actions."""

    id = "E9111"
    shortdesc = "A grant names its actions"
    description = (
        "`s3:*` or `s3:Get*` allows what nobody has thought of, and what AWS adds tomorrow. Each action that is "
        "allowed is named, in policies of roles and of resources alike. A denial may be a pattern: one that "
        "covers more is safer."
    )
    source_url = "docs/rules.md#e9111"
    tags = ["iam"]
    types = EVERY_TYPE

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each allowed action with a `*` or `?`."""
        for statement in statements(resource, *EVERY):
            if statement.allows:
                for action, path in statement.texts("Action"):
                    if "*" in action or "?" in action:
                        yield Finding(f"{statement.sid} allows {action}; name the actions that are called", path)
