"""E9144: a bucket with Object Lock has a default retention. It uses compliance mode only if it outlives its stack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cicd_templates.rules.reading import Resource, TemplateNode, known_text
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

LOCK = ("ObjectLockEnabled", "ObjectLockConfiguration")


class ObjectLock(ResourceRule):
    """Require a default retention for locked buckets, and refuse compliance mode for data that must be deletable."""

    id = "E9144"
    shortdesc = (
        "Buckets with Object Lock have a default retention; only buckets that outlive their stack use compliance mode"
    )
    description = (
        "Without a default retention, ObjectLockEnabled locks no object. Object Lock needs all of these settings:"
        " ObjectLockEnabled, versioning, and a default retention with a mode and a number of days or years. Nobody can"
        " delete an object that is locked in compliance mode. So a bucket whose `DeletionPolicy` is `Delete` cannot use"
        " compliance mode."
    )
    source_url = "docs/rules.md#e9144"
    tags = ["lifecycle", "s3"]
    types = frozenset({"AWS::S3::Bucket"})

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield the findings about a bucket that uses Object Lock:

        - one finding that lists the missing settings
        - a finding for compliance mode, if the bucket's `DeletionPolicy` is `Delete` or unknown
        """
        retention = ("ObjectLockConfiguration", "Rule", "DefaultRetention")
        present = {
            "ObjectLockEnabled": _is_set(resource.properties("ObjectLockEnabled"), "false"),
            "a default retention": _is_set(resource.properties(*retention)),
            "versioning": _is_set(resource.properties("VersioningConfiguration", "Status"), "suspended"),
        }
        missing = [name for name, stated in present.items() if not stated]
        if missing and any(_is_set([node]) for key in LOCK for node in resource.properties(key)):
            yield RuleFinding(f"Object Lock also needs {', '.join(missing)}", ("Properties",))
        for node in resource.properties(*retention, "Mode"):
            if node.value == "COMPLIANCE" and any(
                known_text(policy.value) in (None, "Delete") for policy in resource.values("DeletionPolicy")
            ):
                yield RuleFinding(
                    "nobody can delete objects that are locked in compliance mode; use GOVERNANCE", node.path
                )


def _is_set(nodes: Iterable[TemplateNode], off: str = "") -> bool:
    """Return whether every possible value of a property is present and differs from `off`.

    `nodes` has one value for each branch of an `Fn::If`. If an intrinsic function computes a value, the value counts as
    different from `off`.
    """
    return all(node.value is not None and str(node.value).lower() != off for node in nodes)
