"""E9113: policy statements use no NotAction, NotPrincipal or NotResource."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policy_statements import ALL_POLICIES, POLICY_TYPES, resource_statements
from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

NEGATIONS = {"NotAction": "Action", "NotPrincipal": "Principal", "NotResource": "Resource"}


class Negations(ResourceRule):
    """Refuse NotAction, NotResource and NotPrincipal in policy statements."""

    id = "E9113"
    shortdesc = "No NotAction, NotResource or NotPrincipal"
    description = (
        "A negated element matches everything except the listed items. To understand the statement, a reader would"
        " have to know every action, resource or principal that is not listed."
    )
    source_url = "docs/rules.md#e9113"
    tags = ["iam"]
    types = POLICY_TYPES

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each NotAction, NotResource and NotPrincipal in the policies of `resource`."""
        for statement in resource_statements(resource, *ALL_POLICIES):
            for negation, instead in NEGATIONS.items():
                if negation in statement.node.value:
                    yield RuleFinding(
                        f"{statement.sid} uses {negation}; use {instead}, and list what the statement applies to",
                        (*statement.path, negation),
                    )
