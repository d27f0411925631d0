"""Finds the commit that contains the rendered templates, or the reason why there is no such commit.

This module compares the content of each file with the commit. `git status` is not enough, because it skips files that
are marked `assume-unchanged` and ignores differences in line endings. This module reads files and git. It does not call
AWS.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cicd_templates.deploy.releases.commits import Tree, in_work_tree, read_tree
from cicd_templates.errors import ConfigurationError
from cicd_templates.files.git_objects import blob_id
from cicd_templates.files.paths import CHECKSUMS
from cicd_templates.template.checksums import parse_checksums
from cicd_templates.template.stack_template import StackTemplate

SHOWN_PROBLEMS = 3
TEMPLATE_SUFFIXES = (".yaml", ".json")


@dataclass(frozen=True)
class TemplatesCommit:
    """The commit whose templates equal the rendered templates byte for byte. If there is no such commit, `problem` says
    why.

    For a parallel copy of an environment, `revision` and `problem` are both empty, because its templates are never
    committed.
    """

    revision: str = ""
    problem: str = ""

    @property
    def description(self) -> str:
        """Return a short description for messages, such as `commit 1a2b3c4d5e6f`."""
        return f"commit {self.revision[:12]}" if self.revision else "uncommitted templates of a parallel copy (SUFFIX)"

    @property
    def unknown_because(self) -> str:
        """Return why no commit is known, or an empty text if one is known."""
        return "" if self.revision else self.problem or self.description


def find_templates_commit(folder: Path, stacks: Iterable[StackTemplate]) -> TemplatesCommit:
    """Return the commit HEAD if it contains exactly the templates in `folder`. Otherwise, return why it does not.

    HEAD counts only if all of these are true:

    - `folder` has the same files in HEAD and on the disk, byte for byte.
    - The files match the list of checksums in `folder`.
    - The template text of each stack in `stacks` equals the stack's file in `folder`.
    """
    if not in_work_tree(folder):
        return TemplatesCommit(problem=f"{folder} is not in a git work tree")
    try:
        tree = read_tree(folder)
        files = _read_files(folder)
    except (ConfigurationError, OSError) as error:
        return TemplatesCommit(problem=str(error))
    problems = (
        _differences(folder, tree, files) or _wrong_checksums(folder, files) or _wrong_stacks(folder, files, stacks)
    )
    if problems:
        more = f" (and {len(problems) - SHOWN_PROBLEMS} more)" if len(problems) > SHOWN_PROBLEMS else ""
        return TemplatesCommit(problem=f"{', '.join(problems[:SHOWN_PROBLEMS])}{more}")
    return TemplatesCommit(tree.revision)


def _read_files(folder: Path) -> dict[str, bytes]:
    """Return the content of each file, keyed by its path within `folder`. Raises `ConfigurationError` for a link."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise ConfigurationError(f"{path} is a link, so no commit contains its content")
        if not path.is_dir():
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
    return files


def _differences(folder: Path, tree: Tree, files: Mapping[str, bytes]) -> list[str]:
    problems = []
    for name in sorted(tree.blobs.keys() | files.keys()):
        if name not in files:
            problems.append(f"{folder / name} is missing, but commit {tree.revision[:12]} contains it")
        elif name not in tree.blobs:
            problems.append(f"{folder / name} is in no commit")
        elif blob_id(files[name], tree.blobs[name]) != tree.blobs[name]:
            problems.append(f"{folder / name} differs from commit {tree.revision[:12]}")
    return problems


def _wrong_checksums(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    if CHECKSUMS not in files:
        return [f"{folder / CHECKSUMS} is missing"]
    listed = _checksums(files)
    return [
        f"{folder / name} does not match {CHECKSUMS}"
        for name in sorted(listed)
        if name not in files or hashlib.sha256(files[name]).hexdigest() != listed[name]
    ]


def _wrong_stacks(folder: Path, files: Mapping[str, bytes], stacks: Iterable[StackTemplate]) -> list[str]:
    """Return one problem for each stack or file with one of these faults:

    - The template text of a stack differs from its file.
    - The file of a stack is not in the list of checksums.
    - The list of checksums has a template that belongs to none of `stacks`.
    """
    listed = _checksums(files)
    texts = {f"{stack.links.environment}/{stack.path.name}": stack.text.encode() for stack in stacks}
    problems = []
    for name in sorted(texts):
        if name not in listed:
            problems.append(f"{folder / name} is not in {CHECKSUMS}")
        elif texts[name] != files[name]:
            problems.append(f"{folder / name} has changed since it was read")
    rendered = {name for name in listed if name.count("/") == 1 and name.endswith(TEMPLATE_SUFFIXES)}
    problems += [
        f"{folder / name} belongs to no environment in the configuration" for name in sorted(rendered - set(texts))
    ]
    return problems


def _checksums(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the digests in the folder's list of checksums, keyed by path."""
    return parse_checksums(files[CHECKSUMS].decode(errors="replace"))
