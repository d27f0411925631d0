"""E9122: physical names contain the environment's name and, in a copy of an environment, the suffix of the copy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cicd_templates.rules.reading import Resource, known_text
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding
from cicd_templates.template.resource_types.registry import RESOURCE_TYPES

NAME_PROPERTIES: Mapping[str, str] = {
    name: facts.name_property for name, facts in RESOURCE_TYPES.items() if facts.name_property
}
# A name that is too long for its resource type is shortened. It then ends in a hash of the complete name.
SHORTENED = re.compile(r"(?P<beginning>.+)-[0-9a-f]{8}")


class PhysicalNames(ResourceRule):
    """Require the environment's name in every physical name. In a copy, also require the suffix of the copy."""

    id = "E9122"
    shortdesc = "Physical names contain environment and suffix"
    description = (
        "Each physical name in a template must contain the environment's name as a separate word, so that two"
        " environments in one account do not use the same name. In a parallel copy of an environment, the copy's suffix"
        " must follow the environment's name. If the template's metadata (CicdTemplates) does not name an environment,"
        " the template is not checked."
    )
    source_url = "docs/rules.md#e9122"
    tags = ["names"]
    types = NAME_PROPERTIES

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield a finding for each physical name that does not contain the environment's name.

        If the environment is a copy, the suffix of the copy must follow the environment's name.
        """
        environment, suffix = resource.facts.get("Environment"), resource.facts.get("Suffix")
        if not isinstance(environment, str):
            return
        words = f"{environment}-{suffix}" if suffix else environment
        for node in resource.properties(NAME_PROPERTIES[resource.type]):
            name = known_text(node.value)
            if name is None or _cut(name, f"{resource.facts.get('Project')}-{words}"):
                continue
            if not re.search(rf"(?<![a-z0-9]){re.escape(words)}(?![a-z0-9])", name):
                yield RuleFinding(f"{name} does not contain {words}; add {words} to this name", node.path)


def _cut(name: str, whole: str) -> bool:
    """Return whether `name` is a shortened name: a beginning of `whole`, and a hash.

    A shortened name can lack the environment's name. Its hash still differs between environments, because it is the
    hash of the complete name.
    """
    shortened = SHORTENED.fullmatch(name)
    return shortened is not None and whole.startswith(shortened["beginning"])
