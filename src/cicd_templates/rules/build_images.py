"""W9153: builds run on an image that is maintained and pinned."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cicd_templates.rules.reading import Resource, known_text
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

# The last deprecated major version of each image, from
# https://docs.aws.amazon.com/codebuild/latest/userguide/deprecated-images.html
LAST_DEPRECATED = {
    "amazonlinux-aarch64-standard": 1,
    "amazonlinux2-aarch64-standard": 1,
    "amazonlinux2-x86_64-standard": 3,
    "standard": 4,
}
MANAGED = re.compile(r"^aws/codebuild/(?P<line>[a-z0-9_-]+):(?P<major>\d+)\.")


class BuildImages(ResourceRule):
    """Refuse deprecated build images, and custom images without a fixed tag or digest."""

    id = "W9153"
    shortdesc = "Build images are maintained and pinned"
    description = (
        "A managed image that AWS has deprecated gets no patches and is not cached on the build hosts. A custom image"
        " with the tag `latest`, or without a tag, can change between two builds. (cfn-lint checks the runtimes of "
        "functions: E2531 and W2531.)"
    )
    source_url = "docs/rules.md#w9153"
    tags = ["operation"]
    types = frozenset({"AWS::CodeBuild::Project"})

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield one finding if the image is deprecated or not pinned."""
        for node in resource.properties("Environment", "Image"):
            image = known_text(node.value) or "aws/"
            managed = MANAGED.match(image)
            if managed and int(managed["major"]) <= LAST_DEPRECATED.get(managed["line"], 0):
                yield RuleFinding(f"{image} is deprecated; use the current major version", node.path)
            elif not image.startswith("aws/") and _floats(image):
                yield RuleFinding(f"{image} is not pinned; use a digest or an immutable tag", node.path)


def _floats(image: str) -> bool:
    name = image.rpartition("/")[2]
    return "${" not in name and (":" not in name or name.endswith(":latest"))
