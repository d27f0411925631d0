"""Intrinsic functions in the properties of rendered templates, as layers of others may have them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from hypothesis import strategies as st

from cicd_templates.template.stack_template import StackTemplate
from tests.projects.stacks import stacks_of

NOTHING = {"Ref": "AWS::NoValue"}
CHOSEN = {"Ref": "Chosen"}
Path = tuple[str | int, ...]


def either(first: Any, second: Any = NOTHING) -> dict[str, Any]:
    return {"Fn::If": ["IsPublic", first, second]}


EXPRESSIONS = (
    CHOSEN,
    NOTHING,
    either(CHOSEN),
    {"Fn::GetAtt": ["Other", "Arn"]},
    {"Fn::GetAtt": "Other.Arn"},
    {"Fn::Sub": "x-${Which}"},
    {"Fn::FindInMap": ["Sizes", "eu", "Public"]},
    {"Fn::Select": [0, CHOSEN]},
)


class ChangedStack(NamedTuple):
    """A stack of the tests' project, and the same stack with an expression in a property of one resource."""

    before: StackTemplate
    after: StackTemplate
    logical_id: str


@st.composite
def stacks_with_an_expression(draw: st.DrawFn, others: Sequence[Any] = ()) -> ChangedStack:
    """Draw a stack with an expression, or with one of `others`, in place of a value."""
    stacks = [stack for name in ("staging", "tools") for stack in stacks_of(name)]
    before = stacks[draw(st.integers(0, len(stacks) - 1))]
    content = copy.deepcopy(dict(before.content))
    logical_id = draw(st.sampled_from([*content["Resources"]]))
    holder = content["Resources"][logical_id]["Properties"]
    *parents, last = draw(st.sampled_from([*_places(holder)]))
    for step in parents:
        holder = holder[step]
    holder[last] = draw(st.sampled_from([*(others or EXPRESSIONS), either(holder[last])]))
    return ChangedStack(before, replace(before, content=content), logical_id)


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of each value below `value` in whose place CloudFormation accepts an expression."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "Ref" and not key.startswith("Fn::"):
                yield from _places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*path, index))
