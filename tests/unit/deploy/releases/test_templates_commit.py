"""The rendered templates have a commit only if they equal it byte for byte, whatever `git status` says."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.releases import commits
from cicd_templates.deploy.releases.templates_commit import TemplatesCommit, find_templates_commit
from cicd_templates.template.stack_template import read_template
from tests.conftest import PROJECT
from tests.unit.deploy.releases.test_commits import commit, git

KEYS = "out/staging/keys.yaml"


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a work tree whose folder `out` has two environments with two stacks each."""
    for name in ("staging", "production"):
        (tmp_path / "out" / name).mkdir(parents=True)
        for layer in ("keys", "storage"):
            shutil.copy(PROJECT / f"out/{name}/{layer}.yaml", tmp_path / f"out/{name}/{layer}.yaml")
    (tmp_path / "out/README.md").write_text("index\n")
    sums(tmp_path)
    (tmp_path / ".gitignore").write_text("ignored.yaml\n")
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def sums(project: Path, *, without: str = "") -> None:
    """Write the checksums of everything below `out`, as the renderer does."""
    out = project / "out"
    names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    lines = [f"{hashlib.sha256((out / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    kept = [line for name, line in zip(names, lines, strict=True) if name not in ("SHA256SUMS", without)]
    (out / "SHA256SUMS").write_text("".join(kept))


def examine(project: Path, *environments: str) -> TemplatesCommit:
    names = environments or ("staging", "production")
    out = project / "out"
    return find_templates_commit(out, [stack for name in names for stack in read_stacks(out / name)])


def test_templates_that_are_as_committed_have_the_commit(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = git(project, "rev-parse", "HEAD")
    (project / "elsewhere.py").write_text("not a template, and not committed")

    assert examine(project) == TemplatesCommit(head)
    assert examine(project).description == f"commit {head[:12]}"
    monkeypatch.chdir(project)
    assert find_templates_commit(Path("out"), read_stacks(Path("out/staging"))).problem.startswith(
        "out/production/keys.yaml belongs to no environment"
    )


def edit(project: Path) -> None:
    with (project / KEYS).open("a") as file:
        file.write("# weaker\n")


def edited(project: Path) -> None:
    edit(project)


def edited_and_staged(project: Path) -> None:
    edit(project)
    git(project, "add", "-A")


def edited_with_its_checksum(project: Path) -> None:
    edit(project)
    sums(project)


def assumed_unchanged(project: Path) -> None:
    git(project, "update-index", "--assume-unchanged", KEYS)
    edit(project)


def not_in_the_work_tree(project: Path) -> None:
    git(project, "update-index", "--skip-worktree", KEYS)
    edit(project)


def other_line_ends(project: Path) -> None:
    git(project, "config", "core.autocrlf", "true")
    (project / KEYS).write_bytes((project / KEYS).read_bytes().replace(b"\n", b"\r\n"))
    git(project, "add", "-A")
    assert git(project, "status", "--porcelain") == ""


def filtered(project: Path) -> None:
    """Add a filter with which git sees the committed content although the file has another content."""
    (project / ".git/info/attributes").write_text("*.yaml filter=hide\n")
    git(project, "config", "filter.hide.clean", "sed -e '/weaker/d'")
    edit(project)
    git(project, "add", "-A")
    assert git(project, "status", "--porcelain") == ""


def replaced(project: Path) -> None:
    """Add a replacement ref that gives HEAD another content on this machine under the same id."""
    head = git(project, "rev-parse", "HEAD")
    edit(project)
    git(project, "commit", "-qam", "weaker")
    git(project, "replace", head, git(project, "rev-parse", "HEAD"))
    git(project, "reset", "-q", "--soft", head)


def deleted(project: Path) -> None:
    (project / KEYS).unlink()


def untracked(project: Path) -> None:
    shutil.copy(project / KEYS, project / "out/staging/extra.yaml")


def ignored(project: Path) -> None:
    shutil.copy(project / KEYS, project / "out/staging/ignored.yaml")


def linked(project: Path) -> None:
    (project / "elsewhere.yaml").write_bytes((project / KEYS).read_bytes())
    (project / KEYS).unlink()
    (project / KEYS).symlink_to("../../elsewhere.yaml")


def linked_and_committed(project: Path) -> None:
    linked(project)
    commit(project)


def submodule(project: Path) -> None:
    """Make the folder itself another repository. Its commit does not contain this project's templates."""
    git(project, "rm", "-rq", "--cached", "out")
    git(project / "out", "init", "-q")
    commit(project / "out")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "a submodule")


def link_to_another_repository(project: Path) -> None:
    other = project.parent / f"{project.name}-other"
    shutil.copytree(project, other)
    shutil.rmtree(project / "out")
    (project / "out").symlink_to(other / "out")
    edit(project)
    commit(other)


def never_committed(project: Path) -> None:
    git(project, "rm", "-rq", "--cached", "out")
    git(project, "commit", "-qm", "no templates")


def commitless(project: Path) -> None:
    git(project, "update-ref", "-d", "HEAD")


def no_git(project: Path) -> None:
    shutil.rmtree(project / ".git")


def broken_git(project: Path) -> None:
    (project / ".git/HEAD").write_text("nothing")


def no_checksums(project: Path) -> None:
    (project / "out/SHA256SUMS").unlink()
    commit(project)


def wrong_checksum(project: Path) -> None:
    edit(project)
    commit(project)


def no_checksum(project: Path) -> None:
    sums(project, without="staging/keys.yaml")
    commit(project)


def in_the_folder_of_another(project: Path) -> None:
    shutil.copy(project / "out/production/keys.yaml", project / KEYS)
    sums(project)
    commit(project)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (edited, "keys.yaml differs from commit "),
        (edited_and_staged, "keys.yaml differs from commit "),
        (edited_with_its_checksum, "keys.yaml differs from commit "),
        (assumed_unchanged, "keys.yaml differs from commit "),
        (not_in_the_work_tree, "keys.yaml differs from commit "),
        (other_line_ends, "keys.yaml differs from commit "),
        (filtered, "makes git run a program ('filter.hide.clean')"),
        (replaced, "keys.yaml differs from commit "),
        (deleted, "keys.yaml is missing, but commit "),
        (untracked, "extra.yaml is in no commit"),
        (ignored, "ignored.yaml is in no commit"),
        (linked, "keys.yaml is a link, so no commit contains its content"),
        (linked_and_committed, "keys.yaml is a link or submodule, so the commit lacks its content"),
        (submodule, "out is a link or submodule, so the commit lacks its content"),
        (link_to_another_repository, "keys.yaml differs from commit "),
        (never_committed, "out is in no commit"),
        (commitless, "git failed: fatal: Needed a single revision"),
        (no_git, "out is not in a git work tree"),
        (broken_git, "git failed: fatal: "),
        (no_checksums, "SHA256SUMS is missing"),
        (wrong_checksum, "keys.yaml does not match SHA256SUMS"),
        (no_checksum, "keys.yaml is not in SHA256SUMS"),
        (in_the_folder_of_another, "staging/keys.yaml belongs to no environment in the configuration"),
    ],
)
def test_templates_that_are_not_as_committed_have_no_commit(
    project: Path, change: Callable[[Path], None], problem: str
) -> None:
    change(project)
    # One by one, because stacks of two accounts in one folder are refused before anybody asks for their commit.
    stacks = [read_template(path) for path in sorted((project / "out").glob("*/*.yaml"))]
    found = find_templates_commit(project / "out", stacks)

    assert found.revision == ""
    assert problem in found.problem
    assert "\n" not in found.problem


def test_an_environment_that_is_not_handed_over_makes_the_templates_incomplete(project: Path) -> None:
    assert "production/keys.yaml belongs to no environment in the configuration" in examine(project, "staging").problem


def test_templates_that_change_while_they_are_read_have_no_commit(project: Path) -> None:
    stacks = [stack for name in ("staging", "production") for stack in read_stacks(project / "out" / name)]
    edit(project)
    edited = read_stacks(project / "out/staging")
    git(project, "checkout", "-q", KEYS)

    assert find_templates_commit(project / "out", stacks).problem == ""
    assert "keys.yaml has changed since it was read" in (
        find_templates_commit(project / "out", [*edited, *stacks[2:]]).problem
    )


def test_a_few_files_of_many_are_named(project: Path) -> None:
    for number in range(9):
        (project / f"out/note{number}.md").write_text("x")

    assert examine(project).problem.endswith("note2.md is in no commit (and 6 more)")


def test_a_repository_with_the_longer_hash_is_compared_by_it(project: Path) -> None:
    shutil.rmtree(project / ".git")
    git(project, "init", "-q", "--object-format=sha256")
    commit(project)

    assert len(examine(project).revision) == 64
    assert commits.find_commit(project / KEYS, (project / KEYS).read_bytes()) is not None
    edit(project)
    assert "keys.yaml differs" in examine(project).problem


def test_the_templates_of_a_copy_are_in_no_commit() -> None:
    assert TemplatesCommit().description == "uncommitted templates of a parallel copy (SUFFIX)"
