"""State files: their modes, that they are replaced, and that only known modules of the package write files."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd_templates.files.private_files import make_private_folder, open_lock_file, write_privately
from tests.conftest import ROOT


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture(autouse=True)
def generous_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_file_of_state_is_for_its_owner_in_folders_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / ".state/runs/deep/staging.json"
    write_privately(path, "é")

    assert path.read_text(encoding="utf-8") == "é"
    assert mode(path) == 0o600
    assert {mode(folder) for folder in path.parents if tmp_path in folder.parents} == {0o700}
    assert [entry.name for entry in path.parent.iterdir()] == ["staging.json"]


def test_what_was_open_to_others_is_tightened_when_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / ".state/runs/staging.json"
    path.parent.mkdir(parents=True)
    path.write_text("old")
    for folder in (path.parent, path.parent.parent):
        folder.chmod(0o755)
    path.chmod(0o644)
    write_privately(path, "new")

    assert path.read_text() == "new"
    assert (mode(path), mode(path.parent), mode(path.parent.parent)) == (0o600, 0o700, 0o700)


def test_a_folder_of_the_user_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "plans"
    folder.mkdir(mode=0o775)
    write_privately(folder / "staging.json", "{}")

    assert (mode(folder), mode(folder / "staging.json")) == (0o775, 0o600)


def test_an_open_reader_keeps_the_old_text_and_a_link_is_replaced_instead_of_followed(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "journal.json", tmp_path / "elsewhere"
    write_privately(path, "old")
    with path.open() as reader:
        write_privately(path, "new")
        assert reader.read() == "old"
    elsewhere.write_text("untouched")
    path.unlink()
    path.symlink_to(elsewhere)
    write_privately(path, "new")

    assert (elsewhere.read_text(), path.is_symlink(), path.read_text()) == ("untouched", False, "new")


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_privately(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_privately(path, "\ud800")

    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["plan.json"]


def test_a_lock_file_stays_the_same_file_and_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / ".state/runs/staging.lock"
    make_private_folder(path.parent)
    path.touch(0o666)
    inode = path.stat().st_ino
    with open_lock_file(path):
        assert (mode(path), path.stat().st_ino) == (0o600, inode)
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        open_lock_file(path)
    assert not (tmp_path / "elsewhere").exists()


# Each file that writes files otherwise, and what those are.
OTHER_WRITERS = {
    "acceptance/checks/releases.py": "a copy of the evidence that is changed on purpose, in the run's private folder",
    "files/private_files.py": "the one function",
    "files/project_files.py": "the function that writes committed files: templates, pages, configuration and policies",
    "local/engine_process.py": "the private temporary folder of the engine",
    "local/recorded_types.py": "the private temporary folder of the engine",
    "local/data_api.py": "the private temporary folder of the engine",
    "local/deployment_hooks.py": "the private temporary folder of the engine",
    "local/ecs_tasks.py": "the private temporary folder of the engine",
    "local/codepipeline.py": "the private temporary folder of the engine",
    "deploy/releases/evidence_folder.py": "the evidence of a release, which replaces an earlier folder as a whole",
    "review/upgrade.py": "the temporary folder in which another revision renders",
    "review/revision.py": "the same folder, before the other revision renders",
    "local/iam_decisions.py": "the private temporary folder of the engine",
}
WRITERS = {"write_text", "write_bytes", "mkdir", "touch"}
# Files without these words are not parsed, which would take most of the time.
WRITING = re.compile(rf"\b({'|'.join(WRITERS)}|open)\b")


def writes(path: Path) -> bool:
    text = path.read_text()
    for node in ast.walk(ast.parse(text)) if WRITING.search(text) else ():
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            modes = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if name in WRITERS or (name == "open" and any(set(text) & set("wax") and len(text) < 4 for text in modes)):
                return True
    return False


def test_nothing_else_in_the_package_writes_a_file() -> None:
    package = ROOT / "src/cicd_templates"
    writers = {str(path.relative_to(package)) for path in package.rglob("*.py") if writes(path)}

    # What a rehearsal writes is in its temporary folder; the scripts run in a build.
    ours = {name for name in writers if not name.startswith(("rehearsal/", "builds/scripts/"))}
    assert ours == set(OTHER_WRITERS)
