"""Finds what differs between two templates outside their parameters and resources.

Conditions, mappings and macros change what a template means. CloudFormation ignores the metadata of a template, but
commands of this program use the facts in it. So conditions, mappings, macros and metadata are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cicd_templates.template.comparison import ABSENT, Difference, differences
from cicd_templates.template.metadata import REASONS_KEY
from cicd_templates.template.stack_facts import METADATA_KEY

# Sections that are described elsewhere, or that have no effect.
_LEFT_OUT = frozenset({"Parameters", "Resources", "AWSTemplateFormatVersion", "Description", "Metadata"})
# Facts that only say where a template comes from: the files from which it was rendered, and the reasons of patches.
_ORIGINS = frozenset({"Sources", "Patches"})


def section_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Difference]]:
    """Yield the place of each difference between two templates, such as `section Conditions`, and the difference.

    Parameters, resources and descriptions are not compared.
    """
    for section in (*before, *(section for section in after if section not in before)):
        if section not in _LEFT_OUT:
            for difference in differences(before.get(section, ABSENT), after.get(section, ABSENT)):
                yield f"section {section}", difference
    for difference in differences(_effective_metadata(before), _effective_metadata(after)):
        yield "metadata", difference


def _effective_metadata(content: Mapping[str, Any]) -> dict[str, Any]:
    metadata = _as_dict(content.get("Metadata"))
    facts = _as_dict(metadata.get(METADATA_KEY))
    return {**metadata, METADATA_KEY: {key: value for key, value in facts.items() if key not in _ORIGINS}}


def _as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def effective_parts(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a resource that are compared. Its type and the reasons in its metadata are left out.

    The result always has the keys `Properties` and `Metadata`. Their values can be empty.
    """
    metadata = {key: value for key, value in resource.get("Metadata", {}).items() if key != REASONS_KEY}
    parts = {name: value for name, value in resource.items() if name != "Type"}
    return {"Properties": {}, **parts, "Metadata": metadata}
