"""E9118: roles are passed by name, to a named service."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policies import IDENTITY, statements
from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import Finding, ResourceRule


class PassRole(ResourceRule):
    """iam:PassRole with exact roles and iam:PassedToService."""

    id = "E9118"
    shortdesc = "Roles are passed by name, to a named service"
    description = (
        "Who may pass any role to a service can do all that any role of the account can. iam:PassRole names its "
        "roles without a pattern, and the service by iam:PassedToService."
    )
    source_url = "docs/rules.md#e9118"
    tags = ["iam"]
    types = frozenset(IDENTITY)

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each pattern among the roles, and one if no service is named."""
        for statement in statements(resource, IDENTITY):
            if statement.allows and "iam:passrole" in statement.actions():
                for text, path in statement.texts("Resource"):
                    if "*" in text or "?" in text:
                        yield Finding(f"{statement.sid} passes {text}; name the roles", path)
                if "iam:passedtoservice" not in {key for _, key in statement.condition_keys()}:
                    yield Finding(
                        f"{statement.sid} passes a role to any service; add a condition on iam:PassedToService",
                        statement.path,
                    )
