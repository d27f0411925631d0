"""Generated valid configurations render, their templates have no findings, and their stacks have an order."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from cicd_templates.cli.project_layers import tool_layers
from cicd_templates.config.load import parse_configuration
from cicd_templates.lint.run import find_in_templates
from cicd_templates.render.render import RenderedStack, render
from cicd_templates.template import stack_graph
from tests.memory import garbage_kept
from tests.projects.configurations import Raw, configurations


def rendered(raw: Raw) -> list[RenderedStack]:
    return render(parse_configuration(raw, source="generated"), tool_layers(), "yaml")


def assert_own_names_and_an_order(raw: Raw) -> None:
    stacks = [stack.template for stack in rendered(raw)]

    assert {stack.environment for stack in stacks} == raw["environments"].keys()
    assert len({(stack.account, stack.name) for stack in stacks}) == len(stacks)
    for name in raw["environments"]:
        own = [stack for stack in stacks if stack.environment == name]
        needed = stack_graph.producers(stack.links for stack in own)
        before: set[str] = set()
        for stack in own:
            assert set(needed[stack.name]) <= before, stack.name
            before.add(stack.name)


@given(configurations())
@settings(max_examples=settings().max_examples // 6)
def test_a_valid_configuration_renders_stacks_with_names_of_their_own_and_an_order(raw: Raw) -> None:
    assert_own_names_and_an_order(raw)


@pytest.mark.long
@given(configurations())
def test_every_valid_configuration_renders_stacks_with_names_of_their_own_and_an_order(raw: Raw) -> None:
    assert_own_names_and_an_order(raw)


@pytest.mark.long
@given(configurations())
@settings(max_examples=10)
def test_every_valid_configuration_renders_without_a_finding(raw: Raw) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for stack in rendered(raw):
            path = Path(folder) / stack.path
            path.parent.mkdir(exist_ok=True)
            path.write_text(stack.text, encoding="utf-8")
            paths.append(path)
        with garbage_kept():
            assert find_in_templates(paths) == []
