"""E9119: every role has the permissions boundary and the path that the environment requires."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

# Keys of the template's metadata, each with the property of a role that must have the same value.
REQUIRED = {"PermissionsBoundary": "PermissionsBoundary", "RolePath": "Path"}


class RoleBoundary(ResourceRule):
    """Require the permissions boundary and the role path that the template's metadata states."""

    id = "E9119"
    shortdesc = "Roles have the environment's boundary and path"
    description = (
        "Some organisations require a permissions boundary or a path for every role that their teams create. If the"
        " template's metadata (CicdTemplates) has PermissionsBoundary, every role must have this boundary. If the"
        " metadata has RolePath, every role must have this path."
    )
    source_url = "docs/rules.md#e9119"
    tags = ["iam"]
    types = frozenset({"AWS::IAM::Role"})

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each required property that is missing or does not have the required value."""
        for fact, key in REQUIRED.items():
            wanted = resource.facts.get(fact)
            if wanted:
                for node in resource.properties(key):
                    if node.value != wanted:
                        yield RuleFinding(f"{key} must be {wanted} in this environment", node.path)
