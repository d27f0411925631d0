"""Who may import whom: the renderer knows no AWS, the deployer no layer, and commands start fast."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "src/cicd_templates"
AWS = ("boto3", "botocore")
RENDERER = ("troposphere", "awacs", "templates")

# Files, and what nothing in them may import, at the top or inside a function.
RULES = [
    ("src/cicd_templates/blocks/**/*.py", (*AWS, "rich", "click", "os", "templates", "cicd_templates.deploy")),
    ("templates/**/*.py", (*AWS, "rich", "click", "os", "pathlib", "datetime", "cicd_templates.deploy")),
    (
        "src/cicd_templates/deploy/**/*.py",
        (*RENDERER, "click", "cicd_templates.blocks", "cicd_templates.render.render"),
    ),
    ("src/cicd_templates/local/**/*.py", (*RENDERER, "click", "cicd_templates.blocks", "cicd_templates.deploy")),
    (
        "src/cicd_templates/rehearsal/**/*.py",
        (*RENDERER, "rich", "click", "cicd_templates.blocks", "cicd_templates.render.render", "cicd_templates.builds"),
    ),
    ("src/cicd_templates/template/links.py", (*AWS, *RENDERER)),
    ("src/cicd_templates/rules/**/*.py", (*AWS, *RENDERER, "click", "yaml", "cicd_templates.blocks")),
    ("src/cicd_templates/config/naming.py", (*AWS, *RENDERER)),
    ("src/cicd_templates/template/cloudformation_yaml.py", (*AWS, *RENDERER)),
    ("src/cicd_templates/render/text.py", (*AWS, *RENDERER)),
    ("src/cicd_templates/review/**/*.py", (*AWS, *RENDERER, "click", "cicd_templates.deploy", "cicd_templates.blocks")),
    ("src/cicd_templates/render/render.py", (*AWS, "templates", "cicd_templates.deploy")),
    ("src/cicd_templates/render/out_folder.py", (*AWS, "templates", "cicd_templates.deploy")),
    ("src/cicd_templates/local/recorded_types.py", ("cicd_templates", *AWS)),
]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(("pattern", "forbidden"), RULES, ids=[pattern for pattern, _ in RULES])
def test_imports_go_one_way(pattern: str, forbidden: tuple[str, ...]) -> None:
    paths = list(ROOT.glob(pattern))
    assert paths

    for path in paths:
        wrong = [name for name in imported(path) if any(f"{name}.".startswith(f"{each}.") for each in forbidden)]
        assert wrong == [], path


def test_only_iam_makes_statements() -> None:
    makers = {
        path.relative_to(ROOT).as_posix()
        for folder in (PACKAGE, ROOT / "templates")
        for path in folder.rglob("*.py")
        if "awacs.aws.Statement" in set(imported(path))
    }

    assert makers == {"src/cicd_templates/layer/iam.py"}


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        pytest.param(
            "import sys, generate; sys.argv = ['generate.py', '--check']; generate.render(standalone_mode=False)",
            ("boto3", "botocore", "rich", "cfnlint"),
            id="generate.py",
        ),
        pytest.param("import cicd_templates.cli", ("boto3", "rich", "troposphere", "pydantic", "cfnlint"), id="cli"),
        pytest.param(
            "import cicd_templates.cli.targets", ("troposphere", "awacs", "rich", "cfnlint", "boto3"), id="deployer"
        ),
    ],
)
def test_a_command_loads_only_what_it_needs(code: str, absent: tuple[str, ...]) -> None:
    check = f"{code}; import sys; print([name for name in {absent!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)

    assert answer.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("functions/**/*.py")), ids=lambda path: path.stem)
def test_a_function_needs_nothing_but_the_standard_library_and_boto3(path: Path) -> None:
    names = {name.split(".")[0] for name in imported(path)}
    own = {name for name in imported(path) if name.startswith("cicd_templates")}

    assert names - set(sys.stdlib_module_names) <= {"boto3", "botocore", "cicd_templates"}
    assert all(name.startswith("cicd_templates.functions.scan_gate.") for name in own)
