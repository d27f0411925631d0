"""Writes a finished template as text for reviewers.

This module determines the order of keys, the comments and the layout of the text, but not the content.

The bytes depend only on the template, and not on the date, the version or the machine.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.metadata import REASONS_KEY
from cicd_templates.template.yaml_nodes import YAML_WIDTH

Format = Literal["yaml", "json"]

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
CACHED_REASONS = 512


def order_keys(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return `template` with its keys in the order that a reader expects, at every level."""
    sections = {key: template[key] for key in SECTIONS if template.get(key)}
    sections["Resources"] = {
        name: _order_mapping(
            {key: _order_value(value) for key, value in resource.items()}, RESOURCE_FIRST, RESOURCE_LAST
        )
        for name, resource in template["Resources"].items()
    }
    return sections


def _order_value(value: Any) -> Any:
    if isinstance(value, list):
        return [item if type(item) is str else _order_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    # Most values are texts, and most others are tags. A call for each of them would triple the time. Tags have no order
    # of keys, and equal tags of several resources remain one object.
    within = {key: item if type(item) is str or key == "Tags" else _order_value(item) for key, item in value.items()}
    if "Effect" in within:
        return _order_mapping(within, STATEMENT_FIRST, ("Condition",))
    if "Statement" in within:
        return _order_mapping(within, ("Version", "Statement"), ())
    return within if within.keys().isdisjoint(PROPERTIES_LAST) else _order_mapping(within, (), PROPERTIES_LAST)


def _order_mapping(mapping: dict[str, Any], first: tuple[str, ...], last: tuple[str, ...]) -> dict[str, Any]:
    keys = [key for key in first if key in mapping]
    keys += [key for key in mapping if key not in first and key not in last]
    keys += [key for key in last if key in mapping]
    return {key: mapping[key] for key in keys}


def template_text(template: Mapping[str, Any], header: list[str], form: Format) -> str:
    """Return the text of the template's file.

    A YAML file begins with `header` as a comment. A JSON file has no header, because JSON has no comments. The
    template's metadata has the same facts as the header.
    """
    if form == "json":
        return json.dumps(template, indent=2, ensure_ascii=False) + "\n"
    blocks = ["".join(f"# {line}".rstrip() + "\n" for line in header)]
    for section, content in template.items():
        if section == "Resources":
            blocks.append("Resources:\n" + "\n".join(_resource(name, body) for name, body in content.items()))
        else:
            blocks.append(cloudformation_yaml.dump({section: content}))
    return "\n".join(blocks)


def _resource(name: str, body: Mapping[str, Any]) -> str:
    comments = map(_comment, body.get("Metadata", {}).get(REASONS_KEY, ()))
    return "".join(comments) + cloudformation_yaml.dump({name: body}, column=2)


# The same reasons occur in the stacks of many services.
@lru_cache(CACHED_REASONS)
def _comment(reason: str) -> str:
    lines = textwrap.wrap(
        reason,
        width=YAML_WIDTH,
        initial_indent="  # Why: ",
        subsequent_indent="  #      ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "".join(f"{line}\n" for line in lines)
