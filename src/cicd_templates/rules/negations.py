"""E9113: policies say what they are about, not what they are not about."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policies import EVERY, EVERY_TYPE, statements
from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import Finding, ResourceRule

NEGATIONS = {"NotAction": "Action", "NotPrincipal": "Principal", "NotResource": "Resource"}


class Negations(ResourceRule):
    """No NotAction, NotResource or NotPrincipal."""

    id = "E9113"
    shortdesc = "No NotAction, NotResource or NotPrincipal"
    description = (
        "An exclusion covers whatever is not thought of. A reader cannot say what a statement allows, or whom a "
        "denial spares, without knowing everything there is."
    )
    source_url = "docs/rules.md#e9113"
    tags = ["iam"]
    types = EVERY_TYPE

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each negation."""
        for statement in statements(resource, *EVERY):
            for negation, instead in NEGATIONS.items():
                if negation in statement.found.value:
                    yield Finding(
                        f"{statement.sid} uses {negation}; say {instead}, and name them", (*statement.path, negation)
                    )
