"""E9101: every resource that supports a customer managed key uses one."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.policy_statements import RESOURCE_POLICIES, refers_to, resource_statements
from cicd_templates.rules.reading import EACH, Resource, TemplateNode, known_text, values
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding
from cicd_templates.template.encryption_by_type import KEY_OF

BUCKET = "AWS::S3::Bucket"
ENCRYPTION = ("BucketEncryption", "ServerSideEncryptionConfiguration", EACH, "ServerSideEncryptionByDefault")
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
LOG_DELIVERY = frozenset({"logdelivery.elasticloadbalancing.amazonaws.com", "logging.s3.amazonaws.com"})
# These types inherit the key of a cluster, snapshot or source. If one of these properties is set, a key is not
# required.
INHERITED = {
    "AWS::RDS::DBCluster": ("SnapshotIdentifier", "SourceDBClusterIdentifier"),
    "AWS::RDS::DBInstance": ("DBClusterIdentifier", "DBSnapshotIdentifier", "SourceDBInstanceIdentifier"),
    "AWS::Redshift::Cluster": ("SnapshotIdentifier",),
}


class CustomerKey(ResourceRule):
    """Require a customer managed key for every resource type that supports one."""

    id = "E9101"
    shortdesc = "Encrypted with a customer managed key"
    description = (
        "A customer managed key can be audited, rotated and revoked; a key that AWS owns or manages cannot. The rule"
        " knows every resource type with a key property. There is one exception: load balancers and S3"
        " cannot deliver access logs to a bucket with a customer managed key, so the rule requires SSE-S3 for a bucket"
        " with access logs."
    )
    source_url = "docs/rules.md#e9101"
    tags = ["encryption"]
    types = KEY_OF

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each property that should name a KMS key, but is missing or names an AWS managed key."""
        if any(node.value is not None for key in INHERITED.get(resource.type, ()) for node in resource.properties(key)):
            return
        if resource.type == BUCKET and _takes_access_logs(resource):
            yield from _not_sse_s3(resource)
            return
        for place in KEY_OF[resource.type]:
            where, used, key = place.rpartition(" > ")
            tops = resource.properties(*(where.split("/") if used else ()))
            for top in tops:
                if top.value is not None or not used:
                    yield from _without_key(top, key, used=bool(used))


def _without_key(top: TemplateNode, key: str, *, used: bool) -> Iterator[RuleFinding]:
    keys = key.split("/")
    node = list(values(top, *keys))
    if EACH in keys and any(each.value is None for each in values(top, keys[0])):
        node.append(TemplateNode(None, top.path, top.conditions))
    name, where = keys[-1], " where this is used" if used else ""
    for each in node:
        if each.value is None or each.value == "":
            yield RuleFinding(f"{name} is not set; set it to a customer managed key{where}", each.path)
        elif "alias/aws/" in (known_text(each.value) or ""):
            yield RuleFinding(f"{name} names an AWS managed key; name a customer managed key instead", each.path)


def _takes_access_logs(resource: Resource) -> bool:
    """Return whether a bucket policy in the same template lets an AWS log delivery service write to the bucket."""
    return any(
        statement.allows and any(name in LOG_DELIVERY for _, name, _ in statement.principals())
        for policy in resource.others("AWS::S3::BucketPolicy")
        if any(refers_to(resource, bucket.value) for bucket in policy.properties("Bucket"))
        for statement in resource_statements(policy, RESOURCE_POLICIES)
    )


def _not_sse_s3(resource: Resource) -> Iterator[RuleFinding]:
    algorithms = list(resource.properties(*ENCRYPTION, "SSEAlgorithm"))
    for node in algorithms:
        if node.value is None or (isinstance(node.value, str) and node.value != "AES256"):
            yield RuleFinding(
                "access logs cannot be delivered to a bucket with a KMS key; set SSEAlgorithm to AES256",
                node.path,
            )
    if not algorithms:
        yield RuleFinding(
            "SSEAlgorithm is missing; set it to AES256, the only encryption that log delivery supports", ("Properties",)
        )
