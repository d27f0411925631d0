"""The group of all commands finds each command, although it imports the modules of the commands only when needed."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cicd_templates.cli import main, verbs

MODULES = {path.stem for folder in verbs.__path__ for path in Path(folder).glob("*.py")} - {"__init__"}


def test_the_help_lists_a_command_for_each_module() -> None:
    answer = CliRunner().invoke(main, ["--help"])

    listed = {line.split()[0] for line in answer.output.partition("Commands:")[2].splitlines() if line.split()}
    assert {module.replace("_", "-") for module in MODULES} | {"local-stop"} <= listed


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("verify-evidence", "verify-evidence", id="a module with its name"),
        pytest.param("local-stop", "local-stop", id="a module of another name"),
        pytest.param("waive", None, id="a subcommand"),
        pytest.param("__init__", None, id="a module without a command"),
        pytest.param("os", None, id="a module elsewhere"),
    ],
)
def test_a_command_is_found_by_its_name(name: str, expected: str | None) -> None:
    command = main.get_command(click.Context(main), name)

    assert (command.name if command else None) == expected
