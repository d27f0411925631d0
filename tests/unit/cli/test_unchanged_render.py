"""`make render` of an unchanged project: nothing is built, and the files are always those of a render from nothing."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cicd_templates.cli import main
from cicd_templates.render.last_render import LastRender
from tests.conftest import ROOT
from tests.projects.rendering import PROJECTS

# In each file, a text and what replaces it. Each of these edits changes some rendered file.
EDITS = {
    "templates/environments.toml": ("log_retention_days = 365", "log_retention_days = 1096"),
    "templates/extra/inbox.py": ("a queue for payments", "the only queue for payments"),
    "templates/keys.py": ("Layer `keys`: ", "Layer `keys`: first, "),
    "src/cicd_templates/blocks/queues.py": ("14 * 24 * 3600", "13 * 24 * 3600"),
    "src/cicd_templates/render/stack_rendering.py": ("(edit those, then `make render`)", "(edit only those)"),
    "out/staging/keys.yaml": ("Type: AWS::KMS::Key", "Type: AWS::KMS::Keys"),
}
UNCHANGED = "; none was built anew, because nothing has changed\n"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["render", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_only_a_complete_render_is_remembered_and_a_check_always_renders(
    in_project: Path, monkeypatch: pytest.MonkeyPatch, commands_render_once: None
) -> None:
    # A process of tests has loaded modules that are no part of a project.
    monkeypatch.setattr(LastRender, "_is_covered", lambda last, modules: True)
    # The project of the tests has links, behind which nothing is compared.
    templates = in_project / "templates"
    shutil.copytree(templates, in_project / "copied")
    templates.unlink()
    (in_project / "copied").rename(templates)
    record = in_project / ".state/rendered.json"
    run("--env", "staging")
    run("--out", "elsewhere")
    assert not record.exists()

    first = run()
    assert "rendered" in first
    assert record.stat().st_mode & 0o777 == 0o600
    assert run().endswith(UNCHANGED)
    assert "rendered" in run("--env", "staging")
    assert not run("--check").endswith(UNCHANGED)
    assert "rendered" in run("--format", "json")


def project(folder: Path) -> Path:
    """Return a copy of the tool with the example's configuration and a layer of the user's own."""
    for room in ("src", "templates"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "extra"))
    shutil.copy(PROJECTS / "payments/environments.toml", folder / "templates")
    shutil.copytree(ROOT / "examples/own-layer", folder / "templates/extra", ignore=shutil.ignore_patterns("tests"))
    return folder


def render(folder: Path, *arguments: str) -> str:
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("CICD_TEMPLATES_", "COV_"))}
    return subprocess.run(
        [sys.executable, "-m", "cicd_templates", "render", *arguments],
        cwd=folder,
        env=variables | {"PYTHONPATH": str(folder / "src")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_after_each_edit_the_files_are_those_of_a_render_from_nothing(seed: int, tmp_path: Path) -> None:
    folder = project(tmp_path)
    render(folder)
    paths = sorted(EDITS)
    random.Random(seed).shuffle(paths)  # noqa: S311 - an order of edits is no secret
    for path in paths:
        before = contents(folder / "out")
        text = (folder / path).read_text()
        assert EDITS[path][0] in text
        (folder / path).write_text(text.replace(*EDITS[path]))

        assert "rendered" in render(folder), path
        assert render(folder).endswith(UNCHANGED), path
        render(folder, "--out", f"from-nothing/{Path(path).name}")
        assert contents(folder / "out") == contents(folder / "from-nothing" / Path(path).name), path
        assert (contents(folder / "out") == before) == path.startswith("out/"), path


def test_after_a_change_of_a_service_only_a_part_is_rendered(
    in_project: Path, monkeypatch: pytest.MonkeyPatch, commands_render_once: None
) -> None:
    monkeypatch.setattr(LastRender, "_is_covered", lambda last, modules: True)
    templates = in_project / "templates"
    shutil.copytree(templates, in_project / "copied")
    templates.unlink()
    (in_project / "copied").rename(templates)
    # The first command of a process adds the project to Python's path.
    run("--out", "elsewhere")
    run()
    configuration = templates / "environments.toml"
    configuration.write_text(configuration.read_text().replace("port = 8080", "port = 9090", 1))

    first = run()
    assert re.search(r"^rendered \d+ of \d+ stacks anew into out/, \d+ of \d+ files unchanged$", first, re.MULTILINE)
    assert "  wrote    out/staging/service-parcel-dispatcher.yaml\n" in first
    assert run().endswith(UNCHANGED)
    assert "is up to date" in run("--check")
