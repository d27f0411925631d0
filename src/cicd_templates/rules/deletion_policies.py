"""E9141: every stateful resource sets its deletion and replacement policy; protected data outlives its stack."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import Resource, known_text
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding
from cicd_templates.template.resource_types.registry import RESOURCE_TYPES
from cicd_templates.template.resource_types.resource_type import PolicyCheck

# For these types, cfn-lint's own rule I3011 already reports a missing policy.
CHECKED_BY_CFN_LINT, CHECKED_HERE = (
    frozenset(name for name, facts in RESOURCE_TYPES.items() if facts.policies_checked_by is check)
    for check in (PolicyCheck.CFN_LINT, PolicyCheck.OWN_RULE)
)
KEEPING = {
    "DeletionPolicy": frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"}),
    "UpdateReplacePolicy": frozenset({"Retain", "Snapshot"}),
}


class DataFate(ResourceRule):
    """Require DeletionPolicy and UpdateReplacePolicy. In a protected environment, both must keep the data."""

    id = "E9141"
    shortdesc = "Stateful resources have DeletionPolicy and UpdateReplacePolicy, and protected data outlives its stack"
    description = (
        "Without a DeletionPolicy, the data of a resource is deleted with its stack. Without an UpdateReplacePolicy, "
        "the data is deleted when the resource is replaced. In a protected environment, use Retain or Snapshot for "
        "both policies; RetainExceptOnCreate is allowed as a DeletionPolicy. In a disposable environment, use Delete. "
        "This rule reports a missing policy only for buckets and repositories. For databases, keys, log groups and "
        "secrets, cfn-lint's rules I3011 and W3011 report it."
    )
    source_url = "docs/rules.md#e9141"
    tags = ["lifecycle"]
    types = CHECKED_HERE | CHECKED_BY_CFN_LINT

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each missing policy, and for each policy that would delete protected data."""
        elsewhere = RESOURCE_TYPES[resource.type].data_is_in
        if elsewhere and any(node.value is not None for node in resource.properties(elsewhere)):
            return
        for policy, keeping in KEEPING.items():
            for node in resource.values(policy):
                if node.value is None:
                    if resource.type in CHECKED_HERE:
                        yield RuleFinding(f"{policy} is missing; state whether the data is kept or deleted", ())
                elif resource.facts and resource.protected and known_text(node.value) not in keeping:
                    yield RuleFinding(f"{policy} would delete data of a protected environment; use Retain", node.path)
