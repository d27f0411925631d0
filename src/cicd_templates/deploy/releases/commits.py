"""Reads what HEAD of a git work tree contains, never a file of the work tree. Changes nothing.

A file of the work tree can differ from the commit although git reports no change. For example, it may be marked
`assume-unchanged`, or only its mode or line endings may differ.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from cicd_templates.errors import ConfigurationError
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

GIT_SECONDS = 60
SEARCHED_COMMITS = 50
# Inside a hook, git sets these variables. If they were passed on, git would read the hook's repository instead.
HOOK_VARIABLES = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"}
# Keeps git from running what the configuration of a foreign repository names, and from fetching missing objects.
# https://git-scm.com/docs/git-config
HARMLESS = (
    "--no-optional-locks",
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "log.showSignature=false"),
    *("-c", "safe.bareRepository=explicit"),
)
OFFLINE = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_TERMINAL_PROMPT": "0"}
# Settings of a repository that name a program, as `git config` lists them. Options cannot switch them off, because the
# repository chooses a part of their names.
RUNS_PROGRAM = re.compile(
    r"filter\..*\.(?:clean|smudge|process)|diff\.(?:.*\.)?(?:command|textconv|external)|tar\..*\.command"
    r"|remote\..*\.(?:uploadpack|receivepack|vcs)|core\.alternaterefscommand",
    re.DOTALL | re.IGNORECASE,
)
# Without the last option, git runs `git status` in submodules, where the options above do not count.
STATUS = ("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty")


@dataclass(frozen=True)
class Commit:
    """A commit: its id, its author, and the files of one folder.

    `files` maps the name of each file to its content and to whether the file is executable. `untracked` has the names
    of files in the folder that git neither tracks nor ignores.
    """

    revision: str
    author: str
    files: dict[str, tuple[bytes, bool]]
    untracked: tuple[str, ...]


@dataclass(frozen=True)
class Tree:
    """The id of a commit, and the blob id of each file of one folder, by the file's path within the folder."""

    revision: str
    blobs: dict[str, str]


def in_work_tree(folder: Path) -> bool:
    """Return whether `folder` is in a git work tree.

    Does not run git, which fails if it does not trust the owner of the work tree.
    """
    return any((each / ".git").exists() for each in (folder.resolve(), *folder.resolve().parents))


def git_problem(folder: Path) -> str:
    """Return why git cannot say which commit contains the files of `folder`, or an empty string if it can."""
    if not in_work_tree(folder):
        return f"{folder} is not in a git work tree"
    try:
        head = _run_git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
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
        head = _git(folder, "rev-parse", "--verify", "HEAD").decode().strip()
        return f"{head}+" if _git(folder, *STATUS) else head
    except ConfigurationError:
        return ""


def read_commit(folder: Path) -> Commit:
    """Return the files of `folder` in the commit HEAD.

    Files are never read from the folder itself, because it may contain files that git ignores. Raises
    `ConfigurationError` for uncommitted changes, links and submodules, and if git fails.
    """
    head = _run_git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
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
            " or name a copy of the folder outside git"
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

    Raises `ConfigurationError` if the folder is empty in the commit or has a link or a submodule, or if git fails.
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
    """Return the abbreviated id of the first commit in which the file `path` has this content, or None.

    In a shallow clone, earlier commits are missing, so the result may be None or a later commit.
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
    """Return the abbreviated id of the newest commit in which `matches` accepts the text of the file `path`, or None.

    Searches the last `SEARCHED_COMMITS` commits of the file. Use this function if only an altered copy of the text is
    known. To find an exact text in the whole history, use `find_commit`.
    """
    if not in_work_tree(path.parent):
        return None
    options = ("-m", "--no-show-signature", "--format=%h", f"--max-count={SEARCHED_COMMITS}")
    # In a repository without commits, git fails and lists nothing.
    for revision in _run_git(path.parent, "log", *options, "--", path.name).stdout.decode().split():
        shown = _run_git(path.parent, "cat-file", "blob", f"{revision}:./{path.name}")
        # A commit that deletes the file does not contain its text.
        if shown.returncode == 0 and matches(shown.stdout.decode(errors="replace")):
            return revision
    return None


def _read_files(folder: Path, listed: list[ListedFile]) -> dict[str, tuple[bytes, bool]]:
    """Return the content of each listed file, and whether it is executable."""
    files = {}
    answer = _git(folder, "cat-file", "--batch", text=batch_input(listed))
    for file, content in zip(listed, batch_contents(listed, answer), strict=True):
        if content is None:
            raise ConfigurationError(
                f"{folder / file.path}: the git repository has no intact object of the file; name a fresh clone"
            )
        files[file.path] = content, file.mode == EXECUTABLE
    return files


def _names(answer: bytes) -> list[str]:
    return [os.fsdecode(each) for each in answer.split(b"\0") if each]


def _git(folder: Path, *arguments: str, text: bytes = b"") -> bytes:
    return _require_success(folder, _run_git(folder, *arguments, text=text))


def _run_git(folder: Path, *arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run git in `folder`. Raises `ConfigurationError` if the repository could make git run a program of its own."""
    parents = (folder.resolve(), *folder.resolve().parents)
    for each in takewhile(lambda parent: not (parent / ".git").exists(), parents):
        # Git takes a folder with such names for a repository, and obeys the file `config` in it.
        if (each / "HEAD").exists() and any((each / name).exists() for name in ("objects", "commondir")):
            raise ConfigurationError(
                f"{each}: looks like a git repository without a work tree, so git would run what its configuration"
                " names; rename HEAD"
            )
    settings = _start_git(folder, "config", "--list", "--show-scope", "--includes", "--name-only", "-z")
    if settings.returncode != 0:
        return settings
    words = _names(settings.stdout)
    own = [name for scope, name in zip(words[::2], words[1::2], strict=True) if scope in ("local", "worktree")]
    programs = [name for name in own if RUNS_PROGRAM.fullmatch(name)]
    if programs:
        raise ConfigurationError(
            f"{folder}: the configuration of its git repository names a program to run ({programs[0]!a}); if you trust"
            " the program, set it by git config --global instead, otherwise name a fresh clone"
        )
    return _start_git(folder, *arguments, text=text)


def _start_git(folder: Path, *arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    here = {name: value for name, value in os.environ.items() if name not in HOOK_VARIABLES} | OFFLINE
    # Replacement refs exist only in this clone, and would show other content under the id of a commit.
    here["GIT_NO_REPLACE_OBJECTS"] = "1"
    try:
        return subprocess.run(  # noqa: S603 - no shell, and the folder is an argument
            ["git", *HARMLESS, "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
            input=text,
            capture_output=True,
            check=False,
            timeout=GIT_SECONDS,
            env=here,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"{folder}: is in a git work tree, but git did not answer: {error}") from None


def _require_success(folder: Path, answer: subprocess.CompletedProcess[bytes]) -> bytes:
    if answer.returncode != 0:
        message = " ".join(answer.stderr.decode(errors="replace").split())
        raise ConfigurationError(f"{folder}: is in a git work tree, but git failed: {message}")
    return answer.stdout
