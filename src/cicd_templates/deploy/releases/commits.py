"""Reads the files of a git work tree as they are in the commit HEAD, not as they are on disk. Changes nothing.

A file on disk can differ from the commit although git reports no change. For example, it may be marked
`assume-unchanged`, or only its mode or line endings may differ.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cicd_templates.errors import ConfigurationError
from cicd_templates.files.git_commands import run_git
from cicd_templates.files.git_objects import (
    EXECUTABLE,
    LINK,
    SUBMODULE,
    ListedFile,
    batch_contents,
    batch_input,
    blob_id,
    listed_files,
)

SEARCHED_COMMITS = 50
# Without the last option, git runs `git status` in submodules, where the options above do not count.
STATUS = ("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty")
# How `git status --porcelain=v2 --branch` names HEAD, and a HEAD without a commit.
HEAD_LINE, NO_COMMIT = "# branch.oid ", "(initial)"


@dataclass(frozen=True)
class Commit:
    """A commit: its id, its author, and the files of one folder.

    `files` maps the name of each file to a pair: its content, and whether it is executable. `untracked` has the names
    of files in the folder that git neither tracks nor ignores.
    """

    revision: str
    author: str
    files: dict[str, tuple[bytes, bool]]
    untracked: tuple[str, ...]


@dataclass(frozen=True)
class Tree:
    """The id of a commit, and the blob ids of the files of one folder, keyed by the path within the folder."""

    revision: str
    blobs: dict[str, str]


def in_work_tree(folder: Path) -> bool:
    """Return whether `folder` is in a git work tree.

    This function does not run git, because git fails if it does not trust the owner of the work tree.
    """
    return any((each / ".git").exists() for each in (folder.resolve(), *folder.resolve().parents))


def git_problem(folder: Path) -> str:
    """Return why git cannot read the commit HEAD of `folder`, or an empty string if there is no problem."""
    if not in_work_tree(folder):
        return f"{folder} is not in a git work tree"
    try:
        head = run_git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
        if head.returncode == 1 and not head.stderr:
            return f"{folder} is in a git work tree that has no commit yet"
        _require_success(folder, head)
    except ConfigurationError as error:
        return str(error)
    return ""


def revision(folder: Path) -> str:
    """Return the commit id of HEAD, or an empty string if there is no commit.

    If tracked files differ from HEAD, `+` is appended to the id.
    """
    if not in_work_tree(folder):
        return ""
    try:
        # Among the lines that begin with `#`, one names the commit. Each other line is a file that differs.
        answer = _git(folder, *STATUS, "--porcelain=v2", "--branch", "--no-ahead-behind")
    except ConfigurationError:
        return ""
    lines = answer.decode(errors="replace").splitlines()
    head = next(line.removeprefix(HEAD_LINE) for line in lines if line.startswith(HEAD_LINE))
    if head == NO_COMMIT:
        return ""
    return head if all(line.startswith("# ") for line in lines) else f"{head}+"


def read_commit(folder: Path) -> Commit:
    """Return the files of `folder` in the commit HEAD.

    The files are read from the commit and not from disk, because the folder on disk may contain files that git ignores.
    Raises `ConfigurationError` for uncommitted changes, links and submodules, and if git fails.
    """
    head = run_git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    if head.returncode == 1 and not head.stderr:
        raise ConfigurationError(
            f"{folder}: is in a git work tree that has no commit yet; commit what is to be released"
        )
    revision = _require_success(folder, head).decode().strip()
    changed = _git(folder, *STATUS, "--", ".").decode(errors="replace")
    if changed:
        names = ", ".join(line[3:] for line in changed.splitlines()[:3])
        raise ConfigurationError(
            f"{folder}: has uncommitted changes ({names}); commit them, so that the released source can be found later,"
            " or use a copy of the folder outside git"
        )
    listed = listed_files(_git(folder, "ls-tree", "-r", "-z", revision))
    if not listed:
        raise ConfigurationError(f"{folder}: contains nothing to release, because none of its files are committed")
    for file in listed:
        if file.mode in (LINK, SUBMODULE):
            raise ConfigurationError(
                f"{folder / file.path}: is a link or a submodule, so its content is not part of the source; replace it"
                " with the files"
            )
    author = _git(folder, "log", "-1", "--no-show-signature", "--format=%an <%ae>", revision)
    others = _names(_git(folder, "ls-files", "--others", "--exclude-standard", "-z"))
    return Commit(revision, author.decode(errors="replace").strip(), _read_files(folder, listed), tuple(others))


def read_tree(folder: Path) -> Tree:
    """Return the blob ids of the files of `folder` in the commit HEAD, without reading the work tree.

    Raises `ConfigurationError` if the commit has no files in the folder, if the folder has a link or a submodule, or if
    git fails.
    """
    # git runs in the parent folder: if `folder` were a link or a submodule, git would read another repository there.
    parent, name = folder.absolute().parent, folder.name
    head = _git(parent, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()
    blobs = {}
    for file in listed_files(_git(parent, "ls-tree", "-r", "-z", head, "--", name)):
        if file.mode in (LINK, SUBMODULE):
            raise ConfigurationError(
                f"{folder.parent / file.path} is a link or submodule, so the commit lacks its content"
            )
        blobs[file.path.removeprefix(f"{name}/")] = file.blob
    if not blobs:
        raise ConfigurationError(f"{folder} is in no commit")
    return Tree(head, blobs)


def find_commit(path: Path, content: bytes) -> str | None:
    """Return the abbreviated id of the oldest commit in which the file `path` has the given `content`, or None.

    In a shallow clone, which lacks old commits, the result can be a newer commit or None.
    """
    if not in_work_tree(path.parent):
        return None
    try:
        blob = blob_id(content, _git(path.parent, "rev-parse", "--verify", "HEAD").decode().strip())
        # `-m` also compares merge commits, which `git log` does not do by default: a merge can create new content.
        options = ("-m", "--no-show-signature", "--format=%h", f"--find-object={blob}")
        found = _git(path.parent, "log", *options, "--", path.name)
    except ConfigurationError:
        # git fails for a blob that the repository does not contain.
        return None
    return found.decode().split()[-1] if found.split() else None


def find_commit_by_text(path: Path, matches: Callable[[str], bool]) -> str | None:
    """Find the newest commit in which the text of the file `path` fulfils the function `matches`.

    Returns the abbreviated commit id, or None. Searches only the last `SEARCHED_COMMITS` commits of the file.
    """
    if not in_work_tree(path.parent):
        return None
    options = ("-m", "--no-show-signature", "--format=%h", f"--max-count={SEARCHED_COMMITS}")
    # In a repository without commits, git fails and lists nothing.
    for revision in run_git(path.parent, "log", *options, "--", path.name).stdout.decode().split():
        shown = run_git(path.parent, "cat-file", "blob", f"{revision}:./{path.name}")
        # A commit that deletes the file does not contain its text.
        if shown.returncode == 0 and matches(shown.stdout.decode(errors="replace")):
            return revision
    return None


def _read_files(folder: Path, listed: list[ListedFile]) -> dict[str, tuple[bytes, bool]]:
    """Return the content of each listed file and whether the file is executable, keyed by the file's path."""
    files = {}
    answer = _git(folder, "cat-file", "--batch", text=batch_input(listed))
    for file, content in zip(listed, batch_contents(listed, answer), strict=True):
        if content is None:
            raise ConfigurationError(
                f"{folder / file.path}: the git repository has no intact object of the file; use a fresh clone"
            )
        files[file.path] = content, file.mode == EXECUTABLE
    return files


def _names(answer: bytes) -> list[str]:
    return [os.fsdecode(each) for each in answer.split(b"\0") if each]


def _git(folder: Path, *arguments: str, text: bytes = b"") -> bytes:
    return _require_success(folder, run_git(folder, *arguments, text=text))


def _require_success(folder: Path, answer: subprocess.CompletedProcess[bytes]) -> bytes:
    if answer.returncode != 0:
        message = " ".join(answer.stderr.decode(errors="replace").split())
        raise ConfigurationError(f"{folder}: is in a git work tree, but git failed: {message}")
    return answer.stdout
