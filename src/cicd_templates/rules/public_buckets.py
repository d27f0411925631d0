"""E9131: no bucket can be made public."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import Resource, values
from cicd_templates.rules.resource_rule import Finding, ResourceRule

BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


class PublicBuckets(ResourceRule):
    """All four public access blocks on every bucket."""

    id = "E9131"
    shortdesc = "No bucket can be made public"
    description = (
        "Each of the four public access blocks closes another way; three of them are not enough. They hold "
        "whatever a later policy or list says."
    )
    source_url = "docs/rules.md#e9131"
    tags = ["network", "s3"]
    types = frozenset({"AWS::S3::Bucket"})

    def check(self, resource: Resource) -> Iterator[Finding]:
        """One finding that lists the blocks that are not set."""
        for found in resource.properties("PublicAccessBlockConfiguration"):
            if found.value is not None and not isinstance(found.value, dict):
                continue
            left_open = [
                block
                for block in BLOCKS
                if any(each.value is None or str(each.value).lower() == "false" for each in values(found, block))
            ]
            if left_open:
                yield Finding(f"set under PublicAccessBlockConfiguration to true: {', '.join(left_open)}", found.path)
