"""Where in the reviewed text something stands: a file and a line."""

from __future__ import annotations

import yaml

from cicd_templates.template.stack_template import StackTemplate


def locate(stack: StackTemplate, logical_id: str, path: str = "") -> str:
    """`out/staging/keys.yaml:42` for a resource, or for `path` (`/Resources/Key/Properties`) as far as it goes.

    The file alone where the reviewed text has no such resource.
    """
    steps = path.strip("/").split("/") if path else ["Resources", logical_id]
    # A JSON template is YAML too, so one reader has the lines of both.
    node = yaml.compose(stack.text, Loader=yaml.CSafeLoader)
    line = 0
    for depth, step in enumerate(steps):
        found = _find_child(node, step)
        if found is None:
            break
        key, node = found
        # The first step is the section, which is the place of nothing.
        line = key.start_mark.line + 1 if depth else 0
    return f"{stack.path}:{line}" if line else str(stack.path)


def _find_child(node: yaml.Node | None, step: str) -> tuple[yaml.Node, yaml.Node] | None:
    """The key and the value of `step` in a mapping, or twice the element of that number in a sequence."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and step.isdigit() and int(step) < len(node.value):
        element: yaml.Node = node.value[int(step)]
        return element, element
    return None
