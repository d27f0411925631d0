"""W9153: builds run on an image that is kept up and is always the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cicd_templates.rules.reading import Resource, spelled
from cicd_templates.rules.resource_rule import Finding, ResourceRule

# https://docs.aws.amazon.com/codebuild/latest/userguide/deprecated-images.html, with the older ones before them.
LAST_DEPRECATED = {
    "amazonlinux-aarch64-standard": 1,
    "amazonlinux2-aarch64-standard": 1,
    "amazonlinux2-x86_64-standard": 3,
    "standard": 4,
}
MANAGED = re.compile(r"^aws/codebuild/(?P<line>[a-z0-9_-]+):(?P<major>\d+)\.")


class BuildImages(ResourceRule):
    """No deprecated or floating build image."""

    id = "W9153"
    shortdesc = "Build images are kept up and pinned"
    description = (
        "A managed image that AWS has deprecated gets no patches and is downloaded for each build. An image of "
        "one's own under `latest`, or without a tag, is another one every day. (Runtimes of functions: cfn-lint's "
        "E2531 and W2531.)"
    )
    source_url = "docs/rules.md#w9153"
    tags = ["operation"]
    types = frozenset({"AWS::CodeBuild::Project"})

    def check(self, resource: Resource) -> Iterator[Finding]:
        """One finding for a deprecated or floating image."""
        for found in resource.properties("Environment", "Image"):
            image = spelled(found.value) or "aws/"
            managed = MANAGED.match(image)
            if managed and int(managed["major"]) <= LAST_DEPRECATED.get(managed["line"], 0):
                yield Finding(f"{image} is deprecated; use the current major version", found.path)
            elif not image.startswith("aws/") and _floats(image):
                yield Finding(f"{image} is another image tomorrow; pin its digest or a tag that stays", found.path)


def _floats(image: str) -> bool:
    name = image.rpartition("/")[2]
    return "${" not in name and (":" not in name or name.endswith(":latest"))
