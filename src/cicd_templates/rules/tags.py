"""E9121: whatever takes tags has them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError

from cicd_templates.rules.reading import EACH, Found, Resource, values
from cicd_templates.rules.resource_rule import Finding, ResourceRule


class RequiredTags(ResourceRule):
    """The required tags on every taggable resource."""

    id = "E9121"
    shortdesc = "Whatever takes tags has the required ones"
    description = (
        "Cost, ownership and clean-up go by tags. Which are required is what the template's metadata says under "
        "CicdTemplates, StackTags; for other templates `configure_rules: {E9121: {required: [Owner]}}`, and "
        "without that any tag will do. Which types take tags is read from cfn-lint's schemas."
    )
    source_url = "docs/rules.md#e9121"
    tags = ["tags"]

    def __init__(self) -> None:
        super().__init__()
        self.config_definition = {"required": {"default": [], "type": "list", "itemtype": "string"}}

    def check(self, resource: Resource) -> Iterator[Finding]:
        """One finding that lists what is missing."""
        key = _tag_property(resource.type, resource.template.regions[0])
        if key is None:
            return
        stack_tags = resource.facts.get("StackTags")
        required = list(stack_tags) if isinstance(stack_tags, dict) else list(self.config.get("required", ()))
        for found in resource.properties(key):
            present = _keys(found)
            missing = [name for name in required if name not in present]
            if present is UNKNOWN:
                continue
            if missing:
                yield Finding(f"tags are missing: {', '.join(missing)}", found.path)
            elif not present:
                yield Finding("it takes tags and has none; say at least who owns it", found.path)


class _Unknown(frozenset[str]):
    """The tags are made by a function: every one may be there."""

    def __contains__(self, name: object) -> bool:
        return True


UNKNOWN = _Unknown()


def _keys(found: Found) -> frozenset[str]:
    """The keys of the tags, which stand as a list or as a map."""
    if isinstance(found.value, list):
        items = list(values(found, EACH))
        if len(items) != len(found.value) or not all(isinstance(item.value, dict) for item in items):
            return UNKNOWN
        named = [key.value for item in items for key in values(item, "Key")]
        return frozenset(named) if all(isinstance(name, str) for name in named) else UNKNOWN
    if isinstance(found.value, dict):
        return (
            UNKNOWN
            if len(found.value) == 1 and next(iter(found.value)).startswith(("Fn::", "Ref"))
            else frozenset(found.value)
        )
    return frozenset()


@cache
def _tag_property(resource_type: str, region: str) -> str | None:
    """The property that takes the tags of a type, if one does."""
    try:
        schema: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, resource_type).schema
    except ResourceNotFoundError:
        return None
    tagging = schema.get("tagging", {})
    place = str(tagging.get("tagProperty", "/properties/Tags")).rpartition("/")[2]
    return place if tagging.get("taggable", True) and place in schema.get("properties", {}) else None
