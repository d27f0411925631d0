"""Finds the lines of resources in a reviewed template."""

from __future__ import annotations

import yaml

from cicd_templates.template.stack_template import StackTemplate


def locate(stack: StackTemplate, logical_id: str, path: str = "") -> str:
    """Return the file and line of a resource in the reviewed template, such as `out/staging/keys.yaml:42`.

    If `path` is given, such as `/Resources/Key/Properties`, return the line of the item at this path. If the template
    has no such item, return the line of the closest item above it. If the template does not have the resource, return
    only the file.
    """
    steps = path.strip("/").split("/") if path else ["Resources", logical_id]
    node = _compose(stack)
    line = 0
    for depth, step in enumerate(steps):
        found = _find_child(node, step)
        if found is None:
            break
        key, node = found
        # The first step is a section of the template, such as `Resources`. Its line would not help the reader.
        line = key.start_mark.line + 1 if depth else 0
    return f"{stack.path}:{line}" if line else str(stack.path)


def resource_lines(stack: StackTemplate) -> dict[str, int]:
    """Return the line of each resource in the reviewed template, by logical id. The first line is 1."""
    resources = _find_child(_compose(stack), "Resources")
    assert resources is not None, "every template has resources"
    return {key.value: key.start_mark.line + 1 for key, _ in resources[1].value}


def _compose(stack: StackTemplate) -> yaml.Node | None:
    # JSON is a subset of YAML, so the YAML parser finds the lines in both kinds of templates.
    return yaml.compose(stack.text, Loader=yaml.CSafeLoader)


def _find_child(node: yaml.Node | None, step: str) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the key node and the value node of the key `step` in a mapping.

    In a sequence, `step` is an index. The element at this index is returned twice, as the key and as the value.
    """
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and step.isdigit() and int(step) < len(node.value):
        element: yaml.Node = node.value[int(step)]
        return element, element
    return None
