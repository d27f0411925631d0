"""E9118: a grant of iam:PassRole lists exact roles, and the AWS service to which they may be passed."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policy_statements import IDENTITY_POLICIES, resource_statements
from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding


class PassRole(ResourceRule):
    """Require exact roles and a condition on iam:PassedToService for iam:PassRole."""

    id = "E9118"
    shortdesc = "A grant of iam:PassRole lists the roles and the service"
    description = (
        "A principal that can pass any role to a service has the permissions of every role in the account. A grant of"
        " iam:PassRole must list its roles without wildcards, and name the service in a condition on"
        " iam:PassedToService."
    )
    source_url = "docs/rules.md#e9118"
    tags = ["iam"]
    types = frozenset(IDENTITY_POLICIES)

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding if a role that may be passed has a wildcard in its ARN.

        Also yield a finding for each statement that allows passing roles to any service.
        """
        for statement in resource_statements(resource, IDENTITY_POLICIES):
            if statement.allows and "iam:passrole" in statement.actions():
                for text, path in statement.texts("Resource"):
                    if "*" in text or "?" in text:
                        yield RuleFinding(f"{statement.sid} allows passing {text}; list the roles instead", path)
                if "iam:passedtoservice" not in {key for _, key in statement.condition_keys()}:
                    yield RuleFinding(
                        f"{statement.sid} allows passing a role to any service; add a condition on iam:PassedToService",
                        statement.path,
                    )
