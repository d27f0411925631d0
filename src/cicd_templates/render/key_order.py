"""Puts the keys of a template in the order that a reader expects.

Keys are ordered twice. First, the module `plain_data` orders the keys of each map that it makes. Then other modules add
keys, and `order_keys` orders the sections of the template, the keys of each resource, and the resource's properties.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The order in which a reader expects keys. All other keys keep the order of the layer.
SECTIONS = (
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Resources",
    "Outputs",
)
RESOURCE_FIRST = ("Type", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy")
RESOURCE_LAST = ("Properties", "Metadata")
STATEMENT_FIRST = (
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
)
PROPERTIES_LAST = ("Tags", "Code")
# Only a map with one of these keys has an order.
_WITH_ORDER = frozenset({"Effect", "Statement", *PROPERTIES_LAST})


def order_keys(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return `template` with three kinds of keys in order: its sections, the keys of resources, and the properties."""
    sections = {key: template[key] for key in SECTIONS if template.get(key)}
    sections["Resources"] = {name: _order_resource(resource) for name, resource in template["Resources"].items()}
    return sections


def _order_resource(resource: dict[str, Any]) -> dict[str, Any]:
    ordered = _order_mapping(resource, RESOURCE_FIRST, RESOURCE_LAST)
    if "Properties" in ordered:
        ordered["Properties"] = in_order(ordered["Properties"])
    return ordered


def order_values(value: Any) -> Any:
    """Return `value` with the keys of all its maps in order, at every depth. Lists of tags are not changed."""
    if isinstance(value, list):
        return [order_values(item) for item in value]
    if not isinstance(value, dict):
        return value
    return in_order({key: item if key == "Tags" else order_values(item) for key, item in value.items()})


def in_order(mapping: dict[str, Any]) -> dict[str, Any]:
    """Return `mapping` with its keys in order. `mapping` may be an IAM policy, an IAM statement, or properties.

    The keys of maps inside `mapping` keep their order.
    """
    if mapping.keys().isdisjoint(_WITH_ORDER):
        return mapping
    if "Effect" in mapping:
        return _order_mapping(mapping, STATEMENT_FIRST, ("Condition",))
    if "Statement" in mapping:
        return _order_mapping(mapping, ("Version", "Statement"), ())
    return _order_mapping(mapping, (), PROPERTIES_LAST)


def _order_mapping(mapping: dict[str, Any], first: tuple[str, ...], last: tuple[str, ...]) -> dict[str, Any]:
    # A dict keeps the place of a key that it already has.
    ordered = {key: mapping[key] for key in first if key in mapping} | mapping
    for key in last:
        if key in ordered:
            ordered[key] = ordered.pop(key)
    return ordered
