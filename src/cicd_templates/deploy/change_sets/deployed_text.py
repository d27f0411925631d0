"""Compares a deployed template, which GetTemplate returned, with a rendered template. Does not call AWS.

The two templates can differ even if there is nothing to deploy. If only comments, `Description` or `Metadata` change,
CloudFormation does not update the stack, and GetTemplate returns the old text:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/metadata-section-structure.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.returned_text import as_returned, is_text_of
from cicd_templates.template.stack_template import StackTemplate

# The sections that CloudFormation updates only if another section changes too.
NOT_UPDATED_ALONE = ("AWSTemplateFormatVersion", "Description", "Metadata")


def is_template_of(stack: StackTemplate, body: Any) -> bool:
    """Return whether `body` is the template of `stack`. `body` is GetTemplate's answer for the stage `Original`."""
    # boto3 parses a JSON template, but returns a YAML template as text.
    if isinstance(body, str):
        return is_text_of(stack.text, body)
    return bool(restored(body, stack.content) == stack.content)


def has_same_effect(stack: StackTemplate, body: Any) -> bool:
    """Return whether `body` differs from the template of `stack` only in parts without effect on the stack.

    These parts are comments, `Description` and `Metadata`. CloudFormation does not update a stack if only these change.
    """
    try:
        deployed = content_of(body)
    except yaml.YAMLError:
        return False
    if not isinstance(deployed, Mapping):
        return False
    return _with_effect(restored(deployed, stack.content)) == _with_effect(stack.content)


def _with_effect(content: Mapping[str, Any]) -> dict[str, Any]:
    return {section: value for section, value in content.items() if section not in NOT_UPDATED_ALONE}


def content_of(body: Any) -> Any:
    """Return the content of a template as dicts and lists. `body` is what GetTemplate returned."""
    # boto3 parses a JSON template, but returns a YAML template as text.
    return cloudformation_yaml.load(body) if isinstance(body, str) else body


def restored(returned: Any, rendered: Any) -> Any:
    """Return a copy of the template `returned` in which the non-ASCII characters are restored.

    `returned` is an answer of GetTemplate, which has a question mark instead of each non-ASCII character. Where
    `returned` and `rendered` differ only by these question marks, the copy has the text of `rendered`.
    """
    if isinstance(returned, dict) and isinstance(rendered, Mapping):
        names = {as_returned(str(name)): name for name in rendered}
        pairs = ((names.get(name, name), value) for name, value in returned.items())
        return {name: restored(value, rendered.get(name)) for name, value in pairs}
    if isinstance(returned, list) and isinstance(rendered, list) and len(returned) == len(rendered):
        return [restored(*pair) for pair in zip(returned, rendered, strict=True)]
    if isinstance(returned, str) and isinstance(rendered, str) and returned == as_returned(rendered):
        return rendered
    return returned


def resources_in(body: Any, stack: StackTemplate) -> Mapping[str, Any]:
    """Return the resources in `body`, the template of `stack` from GetTemplate.

    GetTemplate replaces each non-ASCII character by a question mark. The result has the original characters, which come
    from the rendered template.
    """
    resources: Mapping[str, Any] = restored(content_of(body)["Resources"], dict(stack.resources))
    return resources
