"""Which room may import which: the renderer never imports AWS code, the deployer no layer, and commands start fast."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import ROOT

# One worker runs all tests of this file, because they read the same files. They call nothing that is measured.
pytestmark = [pytest.mark.xdist_group("imports"), pytest.mark.no_cover]
PACKAGE = ROOT / "src/cicd_templates"
AWS = ("boto3", "botocore")
RENDERER = ("troposphere", "awacs", "templates")

# Each room with the other rooms that it may import, from the ground up; a room of `deploy/` counts by itself. What is
# not listed is refused, and so is a circle. docs/architecture.md draws the same.
MAY_IMPORT = {
    "errors": "",
    "hints": "",
    "plurals": "",
    "printable": "",
    "markdown": "printable",
    "functions": "plurals printable template",
    "rules": "plurals template",
    "local": "errors files",
    "template": "errors files",
    "evidence": "errors functions plurals printable",
    "lint": "errors files hints printable",
    "config": "errors plurals template",
    "files": "errors",
    "builds": "config functions template",
    "layer": "config errors template",
    "blocks": "builds config functions layer plurals template",
    "templates": "blocks builds config layer template",
    "review": "config errors files markdown plurals template",
    "render": "config errors files layer plurals printable review template",
    "reference": "acceptance blocks config errors layer markdown render rules template",
    "deploy/aws": "errors template",
    "deploy/change_sets": "deploy/aws errors files template",
    "deploy/locking": "deploy/aws errors files",
    "deploy/permissions": "template",
    "deploy/plans": (
        "deploy/aws deploy/change_sets errors files functions hints markdown plurals printable review template"
    ),
    "deploy/diagnosis": "deploy/aws deploy/change_sets files template",
    "deploy/reporting": "deploy/change_sets deploy/diagnosis deploy/plans hints plurals printable template",
    "deploy/releases": "config deploy/aws deploy/change_sets deploy/diagnosis errors evidence files functions template",
    "deploy/doctor": "deploy/aws deploy/change_sets deploy/plans errors hints template",
    "deploy/destruction": (
        "config deploy/aws deploy/change_sets deploy/locking deploy/plans deploy/reporting errors files hints"
        " plurals template"
    ),
    "deploy/runs": (
        "deploy/aws deploy/change_sets deploy/diagnosis deploy/locking deploy/plans deploy/releases"
        " deploy/reporting errors files hints template"
    ),
    "deploy/recovery": "deploy/aws deploy/change_sets deploy/diagnosis deploy/plans deploy/runs errors hints template",
    "acceptance": "config deploy/aws errors files local markdown template",
    "rehearsal": (
        "deploy/aws deploy/change_sets deploy/plans deploy/releases deploy/reporting deploy/runs errors evidence"
        " hints local markdown plurals printable template"
    ),
}
# The command line is the only room that may import every other.
TOP = {"cli", "__main__", "__init__"}

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
    ("src/cicd_templates/evidence/**/*.py", (*AWS, *RENDERER, "click", "rich", "socket", "urllib", "http")),
    ("src/cicd_templates/template/stack_graph.py", (*AWS, *RENDERER)),
    ("src/cicd_templates/rules/**/*.py", (*AWS, *RENDERER, "click", "yaml", "cicd_templates.blocks")),
    ("src/cicd_templates/config/naming.py", (*AWS, *RENDERER)),
    ("src/cicd_templates/template/cloudformation_yaml.py", (*AWS, *RENDERER)),
    ("src/cicd_templates/render/template_text.py", (*AWS, *RENDERER)),
    ("src/cicd_templates/render/key_order.py", (*AWS, *RENDERER)),
    ("src/cicd_templates/review/**/*.py", (*AWS, *RENDERER, "click", "cicd_templates.deploy", "cicd_templates.blocks")),
    ("src/cicd_templates/render/render.py", (*AWS, "templates", "cicd_templates.deploy")),
    ("src/cicd_templates/render/out_folder.py", (*AWS, "templates", "cicd_templates.deploy")),
    ("src/cicd_templates/local/recorded_types.py", ("cicd_templates", *AWS)),
]


@cache
def imported(path: Path) -> tuple[str, ...]:
    """Return what a file imports. Each file is read once for all tests."""
    names: list[str] = []
    for node in statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.extend(f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(names)


def statements(module: ast.Module) -> Iterator[ast.AST]:
    """Yield the statements of a module at any depth. Expressions, of which there are far more, import nothing."""
    waiting: list[ast.AST] = [module]
    while waiting:
        node = waiting.pop()
        yield node
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            waiting += getattr(node, field, ())


def room(module: str) -> str:
    """Return the room of a module: its folder or file below the package, or one folder deeper below `deploy/`."""
    parts = module.removeprefix("src.").split(".")
    if parts[0] == "templates":
        return "templates"
    return "/".join(parts[1:3]) if parts[1:2] == ["deploy"] else (parts[1] if parts[1:] else "__init__")


def arrows() -> Iterator[tuple[str, str, Path, str]]:
    """Yield every import from one room to another: both rooms, the file, and the imported module."""
    below_package = (path for path in PACKAGE.rglob("*") if path.suffix == ".py" or path.is_dir())
    names = {".".join(path.with_suffix("").relative_to(PACKAGE.parent).parts) for path in below_package}
    for path in (*PACKAGE.rglob("*.py"), *(ROOT / "templates").glob("*.py")):
        below = path.with_suffix("").relative_to(ROOT).parts
        here = room(".".join(below))
        for name in imported(path):
            if not name.startswith(("cicd_templates", "templates")):
                continue
            module = name if name in names or name.startswith("templates") else name.rpartition(".")[0]
            if (there := room(module)) not in (here, "__init__"):
                yield here, there, path, name


def test_every_room_imports_only_the_rooms_that_it_may() -> None:
    refused = [
        f"{path.relative_to(ROOT)} imports {name}: {here} may not import {there}"
        for here, there, path, name in arrows()
        if here not in TOP and there not in MAY_IMPORT[here].split()
    ]

    assert refused == []


def test_the_table_of_rooms_is_whole_and_has_no_circle() -> None:
    rooms = {room(".".join(path.with_suffix("").relative_to(ROOT).parts)) for path in PACKAGE.rglob("*.py")}
    assert rooms - TOP - {"deploy/__init__"} == MAY_IMPORT.keys() - {"templates"}

    # `static_order` raises CycleError where two rooms import each other, however far apart.
    assert set(TopologicalSorter({name: set(text.split()) for name, text in MAY_IMPORT.items()}).static_order())


def test_no_arrow_in_the_table_of_rooms_is_without_an_import() -> None:
    drawn = {(here, there) for here, text in MAY_IMPORT.items() for there in text.split()}

    assert drawn - {(here, there) for here, there, _, _ in arrows()} == set()


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
        if "awacs.aws.Statement" in imported(path)
    }

    assert makers == {"src/cicd_templates/layer/iam.py"}


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        pytest.param(
            "import sys, generate; sys.argv = ['generate.py', '--check']; generate.render(standalone_mode=False)",
            ("boto3", "botocore", "rich", "cfnlint", "cicd_templates.functions.scan_gate.policy"),
            id="generate.py",
        ),
        pytest.param(
            "from cicd_templates.cli import main; main(['--help'], standalone_mode=False)",
            ("boto3", "rich", "troposphere", "pydantic", "cfnlint"),
            id="all commands",
        ),
        pytest.param(
            "from cicd_templates.cli import main; main(['render', '--help'], standalone_mode=False)",
            ("cicd_templates.cli.verbs.deploy", "cicd_templates.cli.verbs.plan"),
            id="one command",
        ),
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
    names = {name.split(".")[0] for needed in with_needed_modules(path) for name in imported(needed)}

    assert names - set(sys.stdlib_module_names) <= {"boto3", "botocore", "cicd_templates"}


def with_needed_modules(path: Path) -> set[Path]:
    """Return the files of a module and of all package modules that it imports directly or indirectly."""
    known: set[Path] = set()
    waiting = {path}
    while waiting:
        module = waiting.pop()
        known.add(module)
        for name in imported(module):
            parts = name.split(".")
            files = (PACKAGE.parent.joinpath(*parts[:end]).with_suffix(".py") for end in (len(parts), len(parts) - 1))
            waiting |= {file for file in files if file.is_file() and file not in known}
    return known


def test_the_page_about_the_architecture_names_every_room() -> None:
    page = (ROOT / "docs/architecture.md").read_text()

    assert [name for name in MAY_IMPORT if f"`{name}`" not in page] == []


def test_every_place_that_the_page_about_the_architecture_names_exists() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    places = re.findall(
        r"`((?:blocks|builds|cli|config|deploy|functions|layer|review|rules|template)/[\w<>./]+\.py)`", page
    )

    assert len(places) > 15
    for place in places:
        assert list(PACKAGE.glob(re.sub(r"<\w+>", "*", place))), place


def test_no_table_makes_pydantic_compile_annotations() -> None:
    tables = [path for path in (PACKAGE / "config/tables").glob("*.py") if "(Table):" in path.read_text()]

    assert len(tables) > 15
    assert [path.name for path in tables if "from __future__" in path.read_text()] == []


def test_only_the_function_that_refuses_links_names_the_folder_of_the_templates() -> None:
    users = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if "cicd_templates.files.paths.OUT" in imported(path)
    }

    # In the temporary folder in which another revision renders.
    assert users == {"review/upgrade.py"}
