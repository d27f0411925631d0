"""E9114: no AWS managed policy is attached to a role, user, group or permission set."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Resource, known_text
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

MANAGED_POLICY_PLACES = {
    "AWS::IAM::Group": ("ManagedPolicyArns", EACH),
    "AWS::IAM::Role": ("ManagedPolicyArns", EACH),
    "AWS::IAM::User": ("ManagedPolicyArns", EACH),
    "AWS::SSO::PermissionSet": ("ManagedPolicies", EACH),
}


class AwsManagedPolicies(ResourceRule):
    """Refuse AWS managed policies."""

    id = "E9114"
    shortdesc = "No AWS managed policies"
    description = (
        "An AWS managed policy grants more than a single task needs, and AWS changes the policy without your review."
        " Write the "
        "statements that the task needs instead."
    )
    source_url = "docs/rules.md#e9114"
    tags = ["iam"]
    types = MANAGED_POLICY_PLACES

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each AWS managed policy."""
        for node in resource.properties(*MANAGED_POLICY_PLACES[resource.type]):
            arn = known_text(node.value) or ""
            if ":iam::aws:policy/" in arn:
                name = arn.rpartition("/")[2]
                yield RuleFinding(f"{name} is an AWS managed policy; write the statements that are needed", node.path)
