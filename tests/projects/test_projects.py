"""Projects that differ from the example in one respect each: what they render is as clean as the example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cicd_templates.cli.project_layers import tool_layers
from cicd_templates.config.load import read_configuration
from cicd_templates.lint.run import find_in_templates
from cicd_templates.render import render
from tests.conftest import ROOT
from tests.projects.rendering import PROJECTS

NAMES = sorted(path.parent.name for path in PROJECTS.glob("*/environments.toml"))
# Whose services, environments and names differ most from those of the example.
ON_EVERY_CHANGE = ("four-environments", "three-services")


def write_rendered(name: str, folder: Path) -> list[Path]:
    """Render a project into `folder` and return its templates."""
    paths = []
    for stack in render.render(read_configuration(PROJECTS / name / "environments.toml"), tool_layers(), "yaml"):
        path = folder / stack.path
        path.parent.mkdir(exist_ok=True)
        path.write_text(stack.text, encoding="utf-8")
        paths.append(path)
    return paths


@pytest.mark.parametrize("name", NAMES)
def test_the_configuration_of_each_project_is_accepted(name: str) -> None:
    assert len(read_configuration(PROJECTS / name / "environments.toml").environments) >= 2


@pytest.mark.parametrize("name", ON_EVERY_CHANGE)
def test_a_project_that_differs_much_renders(name: str, tmp_path: Path) -> None:
    assert len(write_rendered(name, tmp_path)) > 20


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_each_project_renders_without_a_finding(name: str, tmp_path: Path) -> None:
    assert find_in_templates(write_rendered(name, tmp_path)) == []


def test_the_code_of_the_tool_and_its_tests_do_not_know_the_example() -> None:
    tests = [path for path in (ROOT / "tests").rglob("*.py") if PROJECTS not in path.parents]
    code = [*(ROOT / "src").rglob("*.py"), *(ROOT / "templates").glob("*.py"), ROOT / "Makefile", *tests]
    names = re.compile(r"payment-processor|payments-(tools|staging|production)")

    assert [str(path) for path in code if names.search(path.read_text(encoding="utf-8"))] == []
