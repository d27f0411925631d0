"""The layers of the project: those of `templates/`, alone or with the user's own."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from cicd_templates.cli.project_layers import project_layers, tool_layers
from cicd_templates.errors import ConfigurationError
from templates import LAYERS


def test_the_layers_of_the_tool_are_those_without_the_users_own() -> None:
    assert tool_layers() == LAYERS


def test_the_layers_of_the_project_begin_with_those_of_the_tool() -> None:
    assert project_layers()[: len(LAYERS)] == LAYERS


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({}, "there is no folder templates/ here; run the command in the project's folder", id="no folder"),
        pytest.param(
            {"__init__.py": "from templates import queues\n"},
            "templates/__init__.py:1: ImportError: cannot import name 'queues' from .*",
            id="a layer that was deleted",
        ),
        pytest.param(
            {"__init__.py": "\nimport templates.queues\n", "queues.py": "import no_such_package\n"},
            "templates/__init__.py:2: ModuleNotFoundError: No module named 'no_such_package'",
            id="a package that is not installed",
        ),
        pytest.param(
            {"__init__.py": "import templates.queues\n", "queues.py": "A = 1\n<<<<<<< HEAD\n"},
            "templates/queues.py:2: invalid syntax",
            id="the marks of a merge conflict",
        ),
    ],
)
def test_templates_that_cannot_be_loaded_are_one_line_with_the_place(
    files: dict[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in files.items():
        (tmp_path / "templates").mkdir(exist_ok=True)
        (tmp_path / "templates" / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if not Path(path or ".", "templates").is_dir()])
    for name in [name for name in sys.modules if name.split(".")[0] == "templates"]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(ConfigurationError) as refused:
        tool_layers()
    assert re.fullmatch(message, str(refused.value))
