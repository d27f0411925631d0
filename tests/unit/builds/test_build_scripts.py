"""Build scripts as single texts: the shared functions replace the import of their module."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from cicd_templates.builds.build_scripts import script_text
from cicd_templates.template.application_code import PYTHON_COMMAND
from tests.conftest import ROOT

FOLDER = ROOT / "src/cicd_templates/builds/scripts"
# A script reads its arguments when it starts; a shared module does nothing.
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.py") if "sys.argv" in path.read_text())
SHARED = sorted(path.name for path in FOLDER.glob("*.py") if "sys.argv" not in path.read_text())
AVAILABLE = {*sys.stdlib_module_names, "boto3", "botocore", "detect_secrets"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_imports_only_what_a_build_has_and_defines_every_name_once(name: str) -> None:
    tree = ast.parse(script_text(name))
    compile(tree, name, "exec")
    imports = {
        module.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    defined += [
        name.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        for name in ast.walk(target)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    ]

    assert imports <= AVAILABLE
    assert len(set(defined)) == len(defined)
    assert "cicd_templates" not in script_text(name)


@pytest.mark.parametrize("name", SHARED)
def test_a_shared_module_is_joined_into_a_script_and_imports_no_other(name: str) -> None:
    heading = f"# --- {Path(name).stem}: "

    assert any(heading in script_text(script) for script in SCRIPTS)
    assert "cicd_templates" not in (FOLDER / name).read_text().split('"""', 2)[2]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_text_of_a_script_holds_nothing_that_lint_takes_for_a_start_of_python_without_isolation(name: str) -> None:
    assert [found[0] for found in PYTHON_COMMAND.finditer(script_text(name))] == []
