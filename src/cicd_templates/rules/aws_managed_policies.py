"""E9114: no policy that AWS manages."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Resource, spelled
from cicd_templates.rules.resource_rule import Finding, ResourceRule

PLACES = {
    "AWS::IAM::Group": ("ManagedPolicyArns", EACH),
    "AWS::IAM::Role": ("ManagedPolicyArns", EACH),
    "AWS::IAM::User": ("ManagedPolicyArns", EACH),
    "AWS::SSO::PermissionSet": ("ManagedPolicies", EACH),
}


class AwsManagedPolicies(ResourceRule):
    """No AWS-managed policy."""

    id = "E9114"
    shortdesc = "No policy that AWS manages"
    description = (
        "A policy that AWS manages is wider than one task needs, and AWS changes it without a review. Write the "
        "statements that the task needs instead."
    )
    source_url = "docs/rules.md#e9114"
    tags = ["iam"]
    types = PLACES

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each policy that is AWS's own."""
        for found in resource.properties(*PLACES[resource.type]):
            arn = spelled(found.value) or ""
            if ":iam::aws:policy/" in arn:
                name = arn.rpartition("/")[2]
                yield Finding(f"{name} is managed by AWS; write the statements that are needed", found.path)
