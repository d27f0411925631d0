"""E9121: every resource that supports tags has the required tags."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError

from cicd_templates.rules.reading import EACH, Resource, TemplateNode, values
from cicd_templates.rules.resource_rule import ResourceRule, RuleFinding


class RequiredTags(ResourceRule):
    """Require tags on every resource that supports them."""

    id = "E9121"
    shortdesc = "Taggable resources have the required tags"
    description = (
        "Cost reports, ownership and clean-up depend on tags. Every resource whose type supports tags, according to"
        " cfn-lint's schemas, must have the required tags. These are the StackTags in the template's metadata"
        " (CicdTemplates). A template without StackTags must have the tags in cfn-lint's configuration, such as"
        " `configure_rules: {E9121: {required: [Owner]}}`. If the configuration names no tags, each resource needs at"
        " least one tag, with any name."
    )
    source_url = "docs/rules.md#e9121"
    tags = ["tags"]

    def __init__(self) -> None:
        super().__init__()
        self.config_definition = {"required": {"default": [], "type": "list", "itemtype": "string"}}

    def check(self, resource: Resource) -> Iterator[RuleFinding]:
        """Yield one finding that lists the missing tags."""
        key = _tag_property(resource.type, resource.template.regions[0])
        if key is None:
            return
        stack_tags = resource.facts.get("StackTags")
        required = list(stack_tags) if isinstance(stack_tags, dict) else list(self.config.get("required", ()))
        for node in resource.properties(key):
            present = _keys(node)
            missing = [name for name in required if name not in present]
            if present is UNKNOWN:
                continue
            if missing:
                yield RuleFinding(f"missing tags: {', '.join(missing)}", node.path)
            elif not present:
                yield RuleFinding("the resource supports tags but has none; add at least its owner as a tag", node.path)


class _Unknown(frozenset[str]):
    """Stands for tag keys that only CloudFormation can compute. The test `key in UNKNOWN` is true for every key."""

    def __contains__(self, name: object) -> bool:
        return True


UNKNOWN = _Unknown()


def _keys(node: TemplateNode) -> frozenset[str]:
    """Return the tag keys in a list or a map of tags. Return `UNKNOWN` if they are computed at deployment."""
    if isinstance(node.value, list):
        items = list(values(node, EACH))
        if len(items) != len(node.value) or not all(isinstance(item.value, dict) for item in items):
            return UNKNOWN
        refers_to = [key.value for item in items for key in values(item, "Key")]
        return frozenset(refers_to) if all(isinstance(name, str) for name in refers_to) else UNKNOWN
    if isinstance(node.value, dict):
        return (
            UNKNOWN
            if len(node.value) == 1 and next(iter(node.value)).startswith(("Fn::", "Ref"))
            else frozenset(node.value)
        )
    return frozenset()


@cache
def _tag_property(resource_type: str, region: str) -> str | None:
    """Return the tag property of a resource type, or None if the type does not support tags."""
    try:
        schema: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, resource_type).schema
    except ResourceNotFoundError:
        return None
    tagging = schema.get("tagging", {})
    place = str(tagging.get("tagProperty", "/properties/Tags")).rpartition("/")[2]
    return place if tagging.get("taggable", True) and place in schema.get("properties", {}) else None
