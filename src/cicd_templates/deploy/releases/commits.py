"""What the commit of a git work tree has. Only reads, and from the commit alone: never a file of the work tree.

A file of the work tree can differ from its commit where git does not look (`assume-unchanged`, modes, line ends).
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from cicd_templates.errors import ConfigurationError

GIT_SECONDS = 60
# Inside a hook git sets these for the repository of the hook, which they would put in the place of the one asked for.
HOOK_VARIABLES = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"}
# Line ends as they are committed, whatever this machine prefers: its preference would change the bytes.
AS_COMMITTED = ("-c", "core.autocrlf=false", "-c", "core.eol=lf")
LINK, SUBMODULE = "120000", "160000"
SHA1_LENGTH = 40


@dataclass(frozen=True)
class Commit:
    """A commit's id and author, and its files below a folder: content, and whether it can be executed, by name.

    `untracked` are the names of files that lie there too and that git neither has nor ignores.
    """

    revision: str
    author: str
    files: dict[str, tuple[bytes, bool]]
    untracked: tuple[str, ...]


@dataclass(frozen=True)
class Tree:
    """A commit's id, and git's id of the content of each file below a folder, by its path within the folder."""

    revision: str
    blobs: dict[str, str]


def in_work_tree(folder: Path) -> bool:
    """Whether `folder` is in a work tree. Git itself says no as well where it does not trust the folder's owner."""
    return any((each / ".git").exists() for each in (folder.resolve(), *folder.resolve().parents))


def revision(folder: Path) -> str:
    """The commit of a work tree, with `+` where tracked files differ from it; empty where nobody can tell."""
    if not in_work_tree(folder):
        return ""
    try:
        head = _git(folder, "rev-parse", "--verify", "HEAD").decode().strip()
        return f"{head}+" if _git(folder, "status", "--porcelain", "--untracked-files=no") else head
    except ConfigurationError:
        return ""


def read_commit(folder: Path) -> Commit:
    """What HEAD has below `folder`. Raises `ConfigurationError` for changes that no commit has, links and submodules.

    Also where git refuses to answer: to take the folder as it is instead would release what git ignores.
    """
    head = _run_git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    if head.returncode == 1 and not head.stderr:
        raise ConfigurationError(
            f"{folder}: is in a git work tree that has no commit yet; commit what is to be released"
        )
    revision = _require_success(folder, head).decode().strip()
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".").decode(errors="replace")
    if changed:
        names = ", ".join(line[3:] for line in changed.splitlines()[:3])
        raise ConfigurationError(
            f"{folder}: changes that no commit has ({names}); commit them, so that the release can be found again,"
            " or name a copy of the folder outside git"
        )
    listed = [entry.split("\t", 1) for entry in _names(_git(folder, "ls-tree", "-r", "-z", revision))]
    if not listed:
        raise ConfigurationError(f"{folder}: nothing in it to release, because no file of it is committed")
    for facts, name in listed:
        if facts.split()[0] in (LINK, SUBMODULE):
            raise ConfigurationError(
                f"{folder / name}: is a link or a submodule, whose content is not the source's own; put the files"
                " themselves"
            )
    author = _git(folder, "log", "-1", "--no-show-signature", "--format=%an <%ae>", revision)
    tar = _git(folder, *AS_COMMITTED, "archive", "--format=tar", revision)
    others = _names(_git(folder, "ls-files", "--others", "--exclude-standard", "-z"))
    return Commit(revision, author.decode(errors="replace").strip(), _unpack(tar), tuple(others))


def read_tree(folder: Path) -> Tree:
    """Return what HEAD has below `folder`, without a look at the work tree.

    Raises `ConfigurationError` where HEAD has nothing there, for links and submodules, and where git refuses to answer.
    """
    # Asked from outside, because a folder that is a link or a submodule answers for another repository itself.
    parent, name = folder.absolute().parent, folder.name
    head = _git(parent, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()
    blobs = {}
    for facts, path in (
        entry.split("\t", 1) for entry in _names(_git(parent, "ls-tree", "-r", "-z", head, "--", name))
    ):
        mode, _, blob = facts.split()
        if mode in (LINK, SUBMODULE):
            raise ConfigurationError(f"{folder.parent / path} is a link or a submodule, whose content is in no commit")
        blobs[path.removeprefix(f"{name}/")] = blob
    if not blobs:
        raise ConfigurationError(f"{folder} is in no commit")
    return Tree(head, blobs)


def blob_id(content: bytes, like: str) -> str:
    """Return git's id of a content, by the hash function that made `like`."""
    # As git names a content: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    algorithm = "sha1" if len(like) == SHA1_LENGTH else "sha256"
    return hashlib.new(algorithm, b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def find_commit(path: Path, content: bytes) -> str | None:
    """The abbreviated id of the commit that first gave the file `path` this content, or None where none is known.

    A shallow clone does not know what came before it.
    """
    if not in_work_tree(path.parent):
        return None
    try:
        blob = blob_id(content, _git(path.parent, "rev-parse", "--verify", "HEAD").decode().strip())
        # Of a merge git shows no differences by itself, and a text that two branches make together is first in one.
        options = ("-m", "--no-show-signature", "--format=%h", f"--find-object={blob}")
        found = _git(path.parent, "log", *options, "--", path.name)
    except ConfigurationError:
        # git refuses a content that it has never seen.
        return None
    return found.decode().split()[-1] if found.split() else None


def _unpack(tar: bytes) -> dict[str, tuple[bytes, bool]]:
    with tarfile.open(fileobj=io.BytesIO(tar), encoding="utf-8") as archive:
        return {
            entry.name: (content.read(), bool(entry.mode & 0o100))
            for entry in archive
            if entry.isfile() and (content := archive.extractfile(entry))
        }


def _names(answer: bytes) -> list[str]:
    return [os.fsdecode(each) for each in answer.split(b"\0") if each]


def _git(folder: Path, *arguments: str) -> bytes:
    return _require_success(folder, _run_git(folder, *arguments))


def _run_git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    here = {name: value for name, value in os.environ.items() if name not in HOOK_VARIABLES}
    # A replacement, which nobody else has, would give a commit another content under its own id.
    here["GIT_NO_REPLACE_OBJECTS"] = "1"
    try:
        return subprocess.run(  # noqa: S603 - no shell, and the folder is an argument
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
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
        raise ConfigurationError(f"{folder}: is in a git work tree, but git refuses: {message}")
    return answer.stdout
