"""E9102: buckets, topics and queues refuse requests without TLS."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policy_statements import RESOURCE_POLICIES, PolicyStatement, refers_to, resource_statements
from cicd_templates.rules.reading import EACH, Resource, values
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

# For each resource type, the type of policy that can be attached to it, and the policy's property that names the
# resource.
POLICY_OF = {
    "AWS::S3::Bucket": ("AWS::S3::BucketPolicy", ("Bucket",)),
    "AWS::SNS::Topic": ("AWS::SNS::TopicPolicy", ("Topics", EACH)),
    "AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", ("Queues", EACH)),
}


class TlsOnly(ResourceRule):
    """Require a policy that denies requests without TLS."""

    id = "E9102"
    shortdesc = "Requests without TLS are denied"
    description = (
        "By default, buckets, topics and queues accept requests without TLS. So each of them needs a policy, in the"
        " same template, with a statement that denies everybody's requests if aws:SecureTransport is false. For a"
        " topic, it is enough to deny the actions that publish messages."
    )
    source_url = "docs/rules.md#e9102"
    tags = ["encryption", "policies"]
    types = POLICY_OF

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield one finding if no policy in the template denies requests without TLS."""
        policy_type, attached = POLICY_OF[resource.type]
        for policy in resource.others(policy_type):
            if any(refers_to(resource, each.value) for each in policy.properties(*attached)) and any(
                _refuses(statement) for statement in resource_statements(policy, RESOURCE_POLICIES)
            ):
                return
        yield RuleFinding(
            f"add an {policy_type} that denies requests to {resource.name} if aws:SecureTransport is false"
        )


def _refuses(statement: PolicyStatement) -> bool:
    if statement.node.value.get("Effect") != "Deny" or ("AWS", "*") not in {
        each[:2] for each in statement.principals()
    }:
        return False
    return any(
        str(node.value).lower() == "false"
        for key in ("aws:SecureTransport", "aws:securetransport")
        for node in values(statement.node, "Condition", "Bool", key)
    )
