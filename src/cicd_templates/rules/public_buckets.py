"""E9131: every bucket blocks public access."""

from __future__ import annotations

from collections.abc import Iterator

from cicd_templates.rules.reading import Resource, values
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

PUBLIC_ACCESS_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


class PublicBuckets(ResourceRule):
    """Require all four public access block settings on every bucket."""

    id = "E9131"
    shortdesc = "Buckets block public access"
    description = (
        "Each of the four settings blocks a different kind of public access, so all four are required. They also take"
        " effect if a later bucket policy or access control list allows public access."
    )
    source_url = "docs/rules.md#e9131"
    tags = ["network", "s3"]
    types = frozenset({"AWS::S3::Bucket"})

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield one finding that lists the settings that are missing or false."""
        for node in resource.properties("PublicAccessBlockConfiguration"):
            if node.value is not None and not isinstance(node.value, dict):
                continue
            left_open = [
                block
                for block in PUBLIC_ACCESS_BLOCKS
                if any(each.value is None or str(each.value).lower() == "false" for each in values(node, block))
            ]
            if left_open:
                yield RuleFinding(
                    f"these settings in PublicAccessBlockConfiguration must be true: {', '.join(left_open)}", node.path
                )
