"""E9111: a grant lists its actions without wildcards."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policy_statements import ALL_POLICIES, POLICY_TYPES, resource_statements
from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding


class WildcardActions(ResourceRule):
    """Refuse wildcards in allowed actions."""

    id = "E9111"
    shortdesc = "Allowed actions contain no wildcards"
    description = (
        "`s3:*` or `s3:Get*` allows actions that nobody has considered, and actions that AWS adds later. Each allowed"
        " action must be named, in the policies of roles and of resources. A denial may have wildcards, because "
        "denying more is safer."
    )
    source_url = "docs/rules.md#e9111"
    tags = ["iam"]
    types = POLICY_TYPES

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each allowed action that contains `*` or `?`."""
        for statement in resource_statements(resource, *ALL_POLICIES):
            if statement.allows:
                for action, path in statement.texts("Action"):
                    if "*" in action or "?" in action:
                        yield RuleFinding(f"{statement.sid} allows {action}; name the actions that are called", path)
