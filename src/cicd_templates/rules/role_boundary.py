"""E9119: every role has the permissions boundary and the path that the environment demands."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import Finding, ResourceRule

# What the template says of its environment, and the property of a role that has to say the same.
DEMANDED = {"PermissionsBoundary": "PermissionsBoundary", "RolePath": "Path"}


class RoleBoundary(ResourceRule):
    """Boundary and path as the template's metadata says."""

    id = "E9119"
    shortdesc = "Roles have the environment's boundary and path"
    description = (
        "An organisation that limits what its teams can create does so by a boundary and a path on every role. "
        "Where the metadata of a template, under CicdTemplates, has PermissionsBoundary or RolePath, every role "
        "has the same."
    )
    source_url = "docs/rules.md#e9119"
    tags = ["iam"]
    types = frozenset({"AWS::IAM::Role"})

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each of the two that is demanded and is not there."""
        for fact, key in DEMANDED.items():
            wanted = resource.facts.get(fact)
            if wanted:
                for found in resource.properties(key):
                    if found.value != wanted:
                        yield Finding(f"{key} of a role is {wanted} in this environment", found.path)
