"""E9131: no bucket can be made public."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import Resource
from cicd_templates.rules.resource_rule import Finding, ResourceRule

BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


class PublicBuckets(ResourceRule):
    """All four public access blocks on every bucket."""

    id = "E9131"
    shortdesc = "No bucket can be made public"
    description = (
        "Each of the four public access blocks closes another way; three of them are not enough. They hold whatever a later "
        "policy or list says."
    )
    source_url = "docs/rules.md#e9131"
    tags = ["network", "s3"]
    types = frozenset({"AWS::S3::Bucket"})

    def check(self, resource: Resource) -> Iterator[Finding]:
        """A finding for each block that is not set."""
        for block in BLOCKS:
            for found in resource.properties("PublicAccessBlockConfiguration", block):
                if found.value is None or str(found.value).lower() == "false":
                    yield Finding(f"PublicAccessBlockConfiguration leaves {block} open; set it to true", found.path)
