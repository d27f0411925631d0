"""Draws the stacks of an environment and the stages of pipelines as Mermaid diagrams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cicd_templates.template.stack_graph import Links, producers
from cicd_templates.template.stack_template import StackTemplate


def stacks_diagram(stacks: Sequence[StackTemplate]) -> list[str]:
    """Return the diagram of an environment. An arrow leads from a stack to each stack that reads its values.

    The arrow from A to C is left out if other arrows lead from A to C through other stacks.
    """
    labels = {stack.name: stack.label for stack in stacks}
    lines = ["```mermaid", "flowchart LR"]
    lines += [f"  {_node(label)}[{label}]" for label in labels.values()]
    lines += [
        f"  {_node(labels[before])} --> {_node(labels[after])}"
        for before, after in _arrows(stack.links for stack in stacks)
    ]
    return [*lines, "```"]


def _arrows(links: Iterable[Links]) -> Iterator[tuple[str, str]]:
    before = producers(links)
    for stack in sorted(before):
        implied = {far for near in before[stack] for far in _all_before(near, before)}
        yield from ((earlier, stack) for earlier in sorted(before[stack] - implied))


def _all_before(stack: str, before: Mapping[str, set[str]]) -> set[str]:
    return before[stack] | {far for near in before[stack] for far in _all_before(near, before)}


def pipelines_diagram(stacks: Iterable[StackTemplate]) -> list[str]:
    """Return one diagram of all pipelines, with their stages and the order of the actions."""
    lines = ["```mermaid", "flowchart LR"]
    for stack in stacks:
        for logical_id, resource in stack.resources.items():
            if resource["Type"] == "AWS::CodePipeline::Pipeline":
                lines += _pipeline(f"{_node(stack.label)}_{logical_id}", resource["Properties"]["Stages"])
    return [*lines, "```"]


def _pipeline(prefix: str, stages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = [f"{prefix}_{number}" for number in range(len(stages))]
    for name, stage in zip(names, stages, strict=True):
        locked = ", locked" if "BeforeEntry" in stage else ""
        yield f'  {name}["<b>{stage["Name"]}</b>{locked}<br/>{"<br/>".join(_actions(stage))}"]'
    yield f"  {' --> '.join(names)}"


def _actions(stage: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each step of a stage. The line shows the parallel actions of the step."""
    steps: dict[int, list[str]] = {}
    for action in stage["Actions"]:
        steps.setdefault(int(action.get("RunOrder", 1)), []).append(str(action["Name"]))
    for _, actions in sorted(steps.items()):
        yield ", ".join(actions)


def _node(label: str) -> str:
    return label.replace("-", "_")
