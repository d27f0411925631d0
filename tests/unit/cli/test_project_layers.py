"""The layers of the project: those of `templates/`, alone or with the user's own."""

from __future__ import annotations

from cicd_templates.cli.project_layers import project_layers, tool_layers
from templates import LAYERS


def test_the_layers_of_the_tool_are_those_without_the_users_own() -> None:
    assert tool_layers() == LAYERS


def test_the_layers_of_the_project_begin_with_those_of_the_tool() -> None:
    assert project_layers()[: len(LAYERS)] == LAYERS
