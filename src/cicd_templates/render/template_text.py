"""Writes a finished template as text for reviewers.

This module determines the comments and the layout of the text, but not the content and not the order of keys.

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

CACHED_REASONS = 512


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
