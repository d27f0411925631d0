"""E9133: containers run a fixed image, with as few rights on their host as possible."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cicd_templates.rules.reading import EACH, Resource, TemplateNode, known_text, values
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding

# Container runtimes parse the number of a user with Go's `strconv.Atoi`, so `00` and `+0` are user 0 as well.
ROOT = re.compile(r"root|[+-]?0+")
# A digest, a digest that is only known at deployment, or an image that is only known at deployment.
BY_DIGEST = re.compile(r"@sha256:|@\$\{[^}]*\}$|^\$\{[^}]*\}$")


class OpenContainers(ResourceRule):
    """Refuse images without a digest, and containers that run as root, get Linux capabilities or can write to their
    root file system.
    """

    id = "E9133"
    shortdesc = "Every container has an image with a digest, a user other than root, and a read-only root file system"
    description = (
        "A tag can point to another image tomorrow. Root and Linux capabilities help an intruder to leave the"
        " container, and an intruder can store programs in a writable file system. The rule applies to every container"
        " of a task, because the containers of a task share its network and its role."
    )
    source_url = "docs/rules.md#e9133"
    tags = ["exposure"]
    types = frozenset({"AWS::ECS::TaskDefinition"})

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each right that a container has but does not need."""
        for container in resource.properties("ContainerDefinitions", EACH):
            yield from _image(container)
            yield from _user(container)
            for node in values(container, "ReadonlyRootFilesystem"):
                if node.value in (None, False, "false"):
                    yield RuleFinding("set ReadonlyRootFilesystem to true", node.path)
            for node in values(container, "Privileged"):
                if node.value in (True, "true"):
                    yield RuleFinding(
                        "a privileged container has root's power over its host; remove Privileged", node.path
                    )
            for node in values(container, "LinuxParameters", "Capabilities", "Drop"):
                if node.value is None or (isinstance(node.value, list) and "ALL" not in node.value):
                    yield RuleFinding("drop all capabilities: set Drop to a list with ALL", node.path)
            for node in values(container, "LinuxParameters", "Capabilities", "Add", EACH):
                yield RuleFinding(
                    f"remove the capability {node.value}; no container needs a capability here", node.path
                )


def _image(container: TemplateNode) -> Iterator[RuleFinding]:
    for node in values(container, "Image"):
        image = known_text(node.value)
        if image is not None and not BY_DIGEST.search(image):
            yield RuleFinding(f"{image} has no digest; add @sha256: and the digest", node.path)


def _user(container: TemplateNode) -> Iterator[RuleFinding]:
    for node in values(container, "User"):
        if node.value is None:
            yield RuleFinding(
                "set User; without it, the container runs as the image's user, which is usually root", node.path
            )
        elif ROOT.fullmatch(str(node.value).partition(":")[0]):
            yield RuleFinding(f"{node.value} is root; use another user", node.path)
