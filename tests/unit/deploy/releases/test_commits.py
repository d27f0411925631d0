"""A work tree is released as its commit, whatever its files and the git configuration of the machine say."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from cicd_templates.deploy.releases import commits
from cicd_templates.deploy.releases.archives import source_archive
from cicd_templates.deploy.releases.commits import in_work_tree, read_commit
from cicd_templates.errors import ConfigurationError
from cicd_templates.files import git_commands

PEOPLE = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Jos\u00e9"), ("EMAIL", "j@x"))
}


def git(folder: Path, *arguments: str) -> str:
    here = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_GLOBAL": os.devnull, **PEOPLE}
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], env=here, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return repository(tmp_path / "tree")


def repository(folder: Path) -> Path:
    folder.mkdir()
    (folder / ".gitignore").write_text(".env\n")
    (folder / "main.py").write_text("committed\n")
    (folder / "run.sh").write_text("x")
    (folder / "run.sh").chmod(0o755)
    git(folder, "init", "-q")
    commit(folder)
    (folder / ".env").write_text("PASSWORD=1")
    return folder


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a commit")


def test_git_says_why_it_cannot_be_asked(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    git(fresh, "init", "-q")

    assert commits.git_problem(tree) == ""
    assert commits.git_problem(tmp_path) == f"{tmp_path} is not in a git work tree"
    assert commits.git_problem(fresh) == f"{fresh} is in a git work tree that has no commit yet"
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    problem = commits.git_problem(tree)
    assert problem.startswith(f"{tree}: is in a git work tree, but git failed: fatal: detected dubious ownership")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git did not answer: [Errno 2] No such file" in commits.git_problem(tree)


def test_a_commit_has_its_id_its_author_and_its_files(tree: Path) -> None:
    found = read_commit(tree)

    assert (found.revision, found.author) == (git(tree, "rev-parse", "HEAD"), "Jos\u00e9 <j@x>")
    assert found.files == {".gitignore": (b".env\n", False), "main.py": (b"committed\n", False), "run.sh": (b"x", True)}


def unwatched(tree: Path) -> None:
    git(tree, "update-index", "--assume-unchanged", "main.py")
    (tree / "main.py").write_text("changed")


def executable(tree: Path) -> None:
    git(tree, "config", "core.fileMode", "false")
    (tree / "main.py").chmod(0o755)


def other_line_ends(tree: Path) -> None:
    git(tree, "config", "core.autocrlf", "true")


def narrow_modes(tree: Path) -> None:
    git(tree, "config", "tar.umask", "0077")


def attributes_of_the_clone(tree: Path) -> None:
    (tree / ".git/info").mkdir(exist_ok=True)
    (tree / ".git/info/attributes").write_text("main.py export-subst text eol=crlf\nrun.sh export-ignore\n")


@pytest.mark.parametrize("change", [unwatched, executable, other_line_ends, narrow_modes, attributes_of_the_clone])
def test_what_git_does_not_look_at_changes_no_byte(tree: Path, change: Callable[[Path], None]) -> None:
    before = source_archive(tree)
    change(tree)

    assert source_archive(tree) == before


def test_attributes_of_the_commit_leave_nothing_out(tree: Path) -> None:
    (tree / ".gitattributes").write_text("run.sh export-ignore\nmain.py export-subst\n")
    (tree / "main.py").write_text("$Format:%H$\n")
    commit(tree)

    files = read_commit(tree).files
    assert files["main.py"] == (b"$Format:%H$\n", False)
    assert files["run.sh"] == (b"x", True)


@pytest.mark.parametrize("content", [None, b"blob 6\0forged"], ids=["missing", "forged"])
def test_an_object_that_is_not_what_the_commit_names_is_refused(tree: Path, content: bytes | None) -> None:
    blob = git(tree, "rev-parse", "HEAD:main.py")
    path = tree / ".git/objects" / blob[:2] / blob[2:]
    path.unlink()
    if content:
        path.write_bytes(zlib.compress(content))

    with pytest.raises(ConfigurationError, match=r"main\.py: the git repository has no intact object of the file"):
        read_commit(tree)


def test_a_hook_of_another_repository_does_not_take_its_place(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = repository(tmp_path / "other")
    (other / "more.py").write_text("x")
    commit(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))

    assert read_commit(tree).revision == git(tree, "rev-parse", "HEAD")


def test_a_folder_within_has_its_own_files_by_their_names_there(tree: Path) -> None:
    (tree / "apps/pay").mkdir(parents=True)
    (tree / "apps/pay/run.sh").write_text("x")
    (tree / "apps/pay/run.sh").chmod(0o755)
    commit(tree)

    assert read_commit(tree / "apps/pay").files == {"run.sh": (b"x", True)}
    assert in_work_tree(tree / "apps/pay")
    assert not in_work_tree(tree.parent)


def linked(tree: Path) -> None:
    (tree / "deep").mkdir()
    (tree / "deep/link").symlink_to("../main.py")
    commit(tree)


def submodule(tree: Path) -> None:
    git(tree, "update-index", "--add", "--cacheinfo", f"160000,{git(tree, 'rev-parse', 'HEAD')},vendored")
    (tree / "vendored").mkdir()
    git(tree, "commit", "-qm", "a submodule")


def changed(tree: Path) -> None:
    (tree / "main.py").write_text("changed")


def staged(tree: Path) -> None:
    (tree / "new.py").write_text("new")
    git(tree, "add", "new.py")


def commitless(tree: Path) -> None:
    git(tree, "update-ref", "-d", "HEAD")


def trustless(tree: Path) -> None:
    (tree / ".git/HEAD").write_text("nonsense")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(linked, "deep/link: is a link or a submodule", id="link"),
        pytest.param(submodule, "vendored: is a link or a submodule", id="submodule"),
        pytest.param(
            changed, r"has uncommitted changes \(main.py\); commit them.* or use a copy of the folder", id="changed"
        ),
        pytest.param(staged, r"has uncommitted changes \(new.py\); commit them", id="staged"),
        pytest.param(
            commitless, "is in a git work tree that has no commit yet; commit what is to be released", id="no commit"
        ),
        pytest.param(trustless, "git failed: fatal: not a git repository", id="broken repository"),
    ],
)
def test_what_no_commit_can_give_is_refused_and_never_taken_from_the_folder(
    tree: Path, change: Callable[[Path], None], expected: str
) -> None:
    change(tree)

    with pytest.raises(ConfigurationError, match=expected):
        source_archive(tree)


def test_a_repository_of_somebody_else_is_refused_with_what_git_advises(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Git's own switch for its tests: every owner is another one.
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    with pytest.raises(ConfigurationError, match=r"dubious ownership .* safe\.directory"):
        source_archive(tree)


def test_a_folder_of_which_nothing_is_committed_says_so(tree: Path) -> None:
    (tree / "made").mkdir()
    (tree / "made/x").write_text("x")

    with pytest.raises(
        ConfigurationError, match="made: contains nothing to release, because none of its files are committed"
    ):
        source_archive(tree, "made")


def test_without_git_a_work_tree_is_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(ConfigurationError, match=r"git did not answer: .*No such file"):
        source_archive(tree)


def test_a_git_command_that_hangs_is_stopped(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_commands, "GIT_SECONDS", 0)

    with pytest.raises(ConfigurationError, match=r"git did not answer: .*timed out"):
        source_archive(tree)


def test_two_copies_of_a_commit_are_the_same_bytes(tree: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(tree), "copy")
    first, second = source_archive(tree), source_archive(tmp_path / "copy")

    assert first == second
    with zipfile.ZipFile(io.BytesIO(first.data)) as opened:
        assert {entry.date_time for entry in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_text_that_two_branches_make_together_is_first_in_their_merge(tmp_path: Path) -> None:
    tree = tmp_path / "merged"
    tree.mkdir()
    path = tree / "keys.yaml"
    git(tree, "init", "-q", "-b", "main")
    path.write_text("a\nb\nc\nd\n")
    commit(tree)
    git(tree, "branch", "other")
    for branch, text in (("main", "a\nb\nc\nD\n"), ("other", "A\nb\nc\nd\n")):
        git(tree, "checkout", "-q", branch)
        path.write_text(text)
        commit(tree)
    git(tree, "checkout", "-q", "main")
    git(tree, "merge", "-q", "-m", "both", "other")

    assert path.read_text() == "A\nb\nc\nD\n"
    assert commits.find_commit(path, path.read_bytes()) == git(tree, "log", "-1", "--format=%h")
    # What a branch had is its own, although the merge brings it to the other.
    assert commits.find_commit(path, b"A\nb\nc\nd\n") == git(tree, "log", "-1", "--format=%h", "other")


def test_a_revision_says_whether_files_differ_from_it(tree: Path, tmp_path: Path) -> None:
    head = git(tree, "rev-parse", "HEAD")
    assert commits.revision(tree) == head
    (tree / "main.py").write_text("changed\n")
    assert commits.revision(tree) == f"{head}+"

    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q")
    assert commits.revision(empty) == ""
    plain = tmp_path / "plain"
    plain.mkdir()
    assert commits.revision(plain) == ""


def test_a_distorted_text_is_looked_for_where_there_are_commits_of_it(tmp_path: Path) -> None:
    tree = tmp_path / "distorted"
    tree.mkdir()
    path = tree / "keys.yaml"
    assert commits.find_commit_by_text(path, lambda text: True) is None
    git(tree, "init", "-q")
    assert commits.find_commit_by_text(path, lambda text: True) is None
    for text in ("first", "second"):
        path.write_text(text)
        commit(tree)
    newest = git(tree, "log", "-1", "--format=%h")

    assert commits.find_commit_by_text(path, lambda text: True) == newest
    assert commits.find_commit_by_text(path, lambda text: text == "first") != newest
    assert commits.find_commit_by_text(path, lambda text: text == "third") is None
    path.unlink()
    commit(tree)
    # The newest commit has no such file, which says nothing of the others.
    assert commits.find_commit_by_text(path, lambda text: text == "second") == newest


def configured(name: str, *more: tuple[str, str]) -> Callable[[Path, str], None]:
    def configure(tree: Path, program: str) -> None:
        for each, value in ((name, program), *more):
            git(tree, "config", each, value)

    return configure


def included(tree: Path, program: str) -> None:
    (tree / ".git/more").write_text(f'[FILTER "x.Y"]\n\tClean = {program}\n')
    git(tree, "config", "include.path", "more")


def of_the_work_tree(tree: Path, program: str) -> None:
    git(tree, "config", "extensions.worktreeConfig", "true")
    (tree / ".git/config.worktree").write_text(f'[filter "w"]\n\tprocess = {program}\n')


def missing_commit(tree: Path, program: str) -> None:
    """Return a partial clone whose configuration names a program that fetches missing objects."""
    for name, value in (("extensions.partialClone", "origin"), ("remote.origin.promisor", "true")):
        git(tree, "config", name, value)
    git(tree, "config", "remote.origin.url", str(tree))
    git(tree, "config", "remote.origin.uploadpack", program)
    (tree / ".git/refs/heads/main").parent.mkdir(exist_ok=True)
    (tree / ".git/HEAD").write_text(f"{'1' * 40}\n")


PROGRAMS = [
    pytest.param(configured("filter.evil.clean"), "filter.evil.clean", id="a filter that status runs"),
    pytest.param(configured("filter.evil.smudge"), "filter.evil.smudge", id="a filter that archive runs"),
    pytest.param(configured("filter.a.b.process"), "filter.a.b.process", id="a filter with a dot"),
    pytest.param(configured("diff.evil.textconv"), "diff.evil.textconv", id="a converter"),
    pytest.param(configured("diff.external"), "diff.external", id="a program that compares"),
    pytest.param(configured("tar.tar.command"), "tar.tar.command", id="a program that packs"),
    pytest.param(configured("remote.origin.vcs"), "remote.origin.vcs", id="a remote helper"),
    pytest.param(configured("core.alternateRefsCommand"), "core.alternaterefscommand", id="alternates"),
    pytest.param(configured("hook.evil.command"), "hook.evil.command", id="a hook in the configuration"),
    pytest.param(configured("lfs.extension.e.clean"), "lfs.extension.e.clean", id="an extension of Git LFS"),
    pytest.param(configured("lfs.customtransfer.e.path"), "lfs.customtransfer.e.path", id="a transfer of Git LFS"),
    pytest.param(included, "filter.x.Y.clean", id="in an included file"),
    pytest.param(of_the_work_tree, "filter.w.process", id="in the file of the work tree"),
    pytest.param(missing_commit, "remote.origin.uploadpack", id="a missing commit"),
]


@pytest.mark.parametrize(("configure", "name"), PROGRAMS)
def test_a_repository_that_names_a_program_is_refused(
    tree: Path, tmp_path: Path, configure: Callable[[Path, str], None], name: str
) -> None:
    configure(tree, f"touch {tmp_path}/ran")
    (tree / ".gitattributes").write_text("* filter=evil diff=evil\n")
    (tree / "main.py").write_text("another\n")

    with pytest.raises(ConfigurationError) as raised:
        read_commit(tree)

    assert f"makes git run a program ('{name}')" in str(raised.value)
    assert commits.revision(tree) == ""
    assert not (tmp_path / "ran").exists()


NEUTRAL = [
    pytest.param(configured("core.fsmonitor"), id="monitor"),
    pytest.param(configured("core.pager", ("pager.log", "true")), id="pager"),
    pytest.param(configured("gpg.program", ("log.showSignature", "true")), id="signature"),
    pytest.param(configured("core.sshCommand", ("alias.log", "!false")), id="ssh and alias"),
]


@pytest.mark.parametrize("configure", NEUTRAL)
def test_what_programs_of_people_need_is_not_run_either(
    tree: Path, tmp_path: Path, configure: Callable[[Path, str], None]
) -> None:
    configure(tree, f"touch {tmp_path}/ran;:")
    os.utime(tree / "main.py", (1, 1))

    assert read_commit(tree).files["main.py"] == (b"committed\n", False)
    assert commits.find_commit_by_text(tree / "main.py", lambda text: text == "committed\n")
    assert not (tmp_path / "ran").exists()


def test_hooks_of_the_repository_do_not_run(tree: Path, tmp_path: Path) -> None:
    (tree / ".husky").mkdir()
    for hook in (tree / ".husky/post-index-change", tree / ".git/hooks/post-index-change"):
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
    git(tree, "config", "core.hooksPath", ".husky")
    (tree / "main.py").write_text("committed\n")

    assert read_commit(tree).files["main.py"][0] == b"committed\n"
    assert not (tmp_path / "ran").exists()


def test_git_runs_nothing_in_a_submodule(tree: Path, tmp_path: Path) -> None:
    other = repository(tmp_path / "other")
    git(tree, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sub")
    git(tree, "commit", "-qm", "a submodule")
    (tree / "app").mkdir()
    (tree / "app/main.py").write_text("")
    commit(tree)
    git(tree / "sub", "config", "core.fsmonitor", f"touch {tmp_path}/ran;:")

    assert commits.revision(tree) == git(tree, "rev-parse", "HEAD")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("below", ["objects", "commondir"])
def test_a_committed_folder_is_not_taken_for_a_repository(tree: Path, below: str) -> None:
    bare = tree / "services/pay"
    (bare / below).mkdir(parents=True)
    (bare / "HEAD").write_text("ref: refs/heads/main\n")
    (bare / "app").mkdir()

    for folder in (bare, bare / "app"):
        with pytest.raises(ConfigurationError, match=r"services/pay: looks like a bare git repository"):
            read_commit(folder)
    assert read_commit(tree).files["main.py"][0] == b"committed\n"


def test_a_repository_with_settings_that_git_cannot_read_is_refused(tree: Path) -> None:
    (tree / ".git/config").write_text("[core\n")

    with pytest.raises(ConfigurationError, match=r"git failed: fatal: bad config line 1"):
        read_commit(tree)
