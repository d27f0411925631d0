"""E9102: buckets, topics and queues refuse what does not come by TLS."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policies import RESOURCE, Statement, named, statements
from cicd_templates.rules.reading import EACH, Resource, values
from cicd_templates.rules.resource_rule import Finding, ResourceRule

# The policy of which type is attached to them, and under which of its properties.
POLICY_OF = {
    "AWS::S3::Bucket": ("AWS::S3::BucketPolicy", ("Bucket",)),
    "AWS::SNS::Topic": ("AWS::SNS::TopicPolicy", ("Topics", EACH)),
    "AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", ("Queues", EACH)),
}


class TlsOnly(ResourceRule):
    """A policy that denies what comes without TLS."""

    id = "E9102"
    shortdesc = "Refuses what does not come by TLS"
    description = (
        "Buckets, topics and queues answer without TLS too unless a policy denies it: a statement in the same "
        "template that denies everybody while aws:SecureTransport is false. A topic's policy can only name the "
        "actions of SNS, so a denial of the publishing ones is enough."
    )
    source_url = "docs/rules.md#e9102"
    tags = ["encryption", "policies"]
    types = POLICY_OF

    def check(self, resource: Resource) -> Iterator[Finding]:
        """One finding, if no policy in the template denies it."""
        policy_type, attached = POLICY_OF[resource.type]
        for policy in resource.others(policy_type):
            if any(named(resource, each.value) for each in policy.properties(*attached)) and any(
                _refuses(statement) for statement in statements(policy, RESOURCE)
            ):
                return
        yield Finding(f"no {policy_type} here denies {resource.name} while aws:SecureTransport is false; add one")


def _refuses(statement: Statement) -> bool:
    if statement.found.value.get("Effect") != "Deny" or ("AWS", "*") not in {
        each[:2] for each in statement.principals()
    }:
        return False
    return any(
        str(found.value).lower() == "false"
        for key in ("aws:SecureTransport", "aws:securetransport")
        for found in values(statement.found, "Condition", "Bool", key)
    )
