"""E9101: whatever can be encrypted with a customer-managed key is."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.encryption_by_type import KEY_OF
from cicd_templates.rules.policies import RESOURCE, named, statements
from cicd_templates.rules.reading import EACH, Found, Resource, spelled, values
from cicd_templates.rules.resource_rule import Finding, ResourceRule

BUCKET = "AWS::S3::Bucket"
ENCRYPTION = ("BucketEncryption", "ServerSideEncryptionConfiguration", EACH, "ServerSideEncryptionByDefault")
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
LOG_DELIVERY = frozenset({"logdelivery.elasticloadbalancing.amazonaws.com", "logging.s3.amazonaws.com"})
# Types that take the key of what they belong to or come from: there this property stands instead of a key.
INHERITED = {
    "AWS::RDS::DBCluster": ("SnapshotIdentifier", "SourceDBClusterIdentifier"),
    "AWS::RDS::DBInstance": ("DBClusterIdentifier", "DBSnapshotIdentifier", "SourceDBInstanceIdentifier"),
    "AWS::Redshift::Cluster": ("SnapshotIdentifier",),
}


class CustomerKey(ResourceRule):
    """A customer-managed key wherever the type takes one."""

    id = "E9101"
    shortdesc = "Encrypted with a customer-managed key"
    description = (
        "A key of the customer's own can be audited, rotated and withdrawn; a key that AWS owns or manages "
        "cannot. Every type that takes a key is known here by its property. The one exception is a bucket to "
        "which load balancers or S3 deliver access logs: they cannot write under a customer key, so there SSE-S3 "
        "is demanded instead."
    )
    source_url = "docs/rules.md#e9101"
    tags = ["encryption"]
    types = KEY_OF

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each place that wants a key and has none, or one that AWS manages."""
        if any(
            found.value is not None for key in INHERITED.get(resource.type, ()) for found in resource.properties(key)
        ):
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


def _without_key(top: Found, key: str, *, used: bool) -> Iterator[Finding]:
    keys = key.split("/")
    found = list(values(top, *keys))
    if EACH in keys and any(each.value is None for each in values(top, keys[0])):
        found.append(Found(None, top.path, top.conditions))
    name, where = keys[-1], " where this is used" if used else ""
    for each in found:
        if each.value is None or each.value == "":
            yield Finding(f"{name} names no key; set it to a customer-managed one{where}", each.path)
        elif "alias/aws/" in (spelled(each.value) or ""):
            yield Finding(f"{name} is a key that AWS manages; name a customer-managed one", each.path)


def _takes_access_logs(resource: Resource) -> bool:
    """Whether a policy in the same template lets a deliverer of access logs write into the bucket."""
    return any(
        statement.allows and any(name in LOG_DELIVERY for _, name, _ in statement.principals())
        for policy in resource.others("AWS::S3::BucketPolicy")
        if any(named(resource, bucket.value) for bucket in policy.properties("Bucket"))
        for statement in statements(policy, RESOURCE)
    )


def _not_sse_s3(resource: Resource) -> Iterator[Finding]:
    algorithms = list(resource.properties(*ENCRYPTION, "SSEAlgorithm"))
    for found in algorithms:
        if found.value is None or (isinstance(found.value, str) and found.value != "AES256"):
            yield Finding(
                "access logs cannot be delivered under a customer key; this bucket takes SSEAlgorithm AES256",
                found.path,
            )
    if not algorithms:
        yield Finding(
            "say SSEAlgorithm AES256, the one encryption under which access logs are delivered", ("Properties",)
        )
