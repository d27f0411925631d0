"""Finds the values that each stack publishes and reads, and the deploy order of the stacks.

The functions read templates as plain dicts, from the renderer or from files in `out/`. So the renderer and the deployer
apply the same rules. The module does not import troposphere and does not call AWS.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from cicd_templates.errors import ConfigurationError, suggestion
from cicd_templates.template.stack_facts import StackFacts

READING_TYPE = "AWS::SSM::Parameter::Value<"


class Read(NamedTuple):
    """A template parameter whose value CloudFormation reads from Parameter Store."""

    parameter: str
    path: str
    is_list: bool


class Links(NamedTuple):
    """The values that one stack reads and publishes, and the stacks that must be deployed before it.

    `publishes` maps each published Parameter Store path to true if its value is a list, otherwise to false.
    """

    stack: str
    environment: str
    reads: tuple[Read, ...]
    publishes: Mapping[str, bool]
    after: tuple[str, ...]


def links_of(template: Mapping[str, Any], facts: StackFacts) -> Links:
    """Return the values that a stack reads, the values that it publishes, and the stacks that it must wait for."""
    reads = tuple(
        Read(name, str(parameter["Default"]), parameter["Type"].startswith(f"{READING_TYPE}List<"))
        for name, parameter in template.get("Parameters", {}).items()
        if parameter["Type"].startswith(READING_TYPE)
    )
    # A parameter without a literal name cannot be read by another stack, because a stack reads it by its name.
    publishes = {
        properties["Name"]: properties.get("Type") == "StringList"
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::SSM::Parameter"
        and isinstance((properties := resource.get("Properties", {})).get("Name"), str)
    }
    return Links(facts.stack, facts.qualified_environment, reads, publishes, facts.after)


def refuse_broken_links(stacks: Iterable[Links]) -> None:
    """Raise `ConfigurationError` if stacks of an environment do not fit together.

    Every value that a stack reads must be published by a stack of the same environment, in the same form: as a list or
    as a single value. The error lists all values that break this rule. `waves` refuses stacks that depend on each other
    in a cycle.
    """
    stacks = list(stacks)
    published = {path: (stack, is_list) for stack in stacks for path, is_list in stack.publishes.items()}
    problems = [problem for stack in stacks for read in stack.reads if (problem := _problem(stack, read, published))]
    if problems:
        raise ConfigurationError("\n  ".join(["the templates do not fit together:", *problems]))


def _problem(stack: Links, read: Read, published: Mapping[str, tuple[Links, bool]]) -> str:
    reader = f"{stack.stack} reads {read.path} into its parameter {read.parameter}"
    if read.path not in published:
        return f"{reader}, but no layer publishes this value; {suggestion(read.path, sorted(published))}"
    producer, is_list = published[read.path]
    if producer.environment != stack.environment:
        return (
            f"{reader}, but {producer.stack} publishes this value in another environment; a stack can read only values"
            " of its own environment, so compute the name with a function of `cicd_templates.config.naming`"
        )
    if is_list != read.is_list:
        kinds = {True: "a list", False: "a single value"}
        return f"{reader} as {kinds[read.is_list]}, but {producer.stack} publishes {kinds[is_list]}"
    return ""


def producers(stacks: Iterable[Links]) -> dict[str, set[str]]:
    """Map the name of each stack to the names of the stacks that must be deployed before it.

    A stack must be deployed after all stacks that publish values for it, and after all stacks in its list `after`.
    """
    stacks = list(stacks)
    producer_of = {path: stack.stack for stack in stacks for path in stack.publishes}
    known = {stack.stack for stack in stacks}
    return {
        stack.stack: {producer_of[read.path] for read in stack.reads if read.path in producer_of}
        | {name for name in stack.after if name in known}
        for stack in stacks
    }


def waves(stacks: Iterable[Links]) -> list[tuple[str, ...]]:
    """Return the stack names in deploy order, as waves. A stack depends only on stacks of earlier waves.

    The names in a wave are sorted. If stacks depend on each other in a cycle, raises `ConfigurationError`, which shows
    the cycle.
    """
    sorter = graphlib.TopologicalSorter(producers(stacks))
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        # graphlib lists each stack before the one that needs it.
        cycle = " reads from ".join(reversed(error.args[1]))
        raise ConfigurationError(f"the templates depend on each other in a cycle: {cycle}") from None
    ordered = []
    while sorter.is_active():
        ready = tuple(sorted(sorter.get_ready()))
        ordered.append(ready)
        sorter.done(*ready)
    return ordered
