"""Makes reproducible zips of an application's source and of the reviewed templates.

This module reads files from folders, and uses `commits` to read files from git. It does not call AWS. The same files
always give the same bytes, so a checksum identifies the released files.
"""

from __future__ import annotations

import getpass
import hashlib
import io
import json
import lzma
import os
import posixpath
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cicd_templates.deploy.releases.commits import in_work_tree, read_commit
from cicd_templates.errors import ConfigurationError
from cicd_templates.template.stack_template import StackTemplate

# The earliest date that the zip format supports.
EPOCH = (1980, 1, 1, 0, 0, 0)
IGNORED = {".git", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", "node_modules"}
# The errors that zipfile raises for damaged or encrypted archives, for unknown compression methods, and for entries
# that begin before the file.
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, OSError, ValueError)

# The limit for the total size of a bundle's files. The templates of a hundred services are smaller than this.
BUNDLE_BYTES = 100_000_000


@dataclass(frozen=True)
class Archive:
    """The zip of an application's source, with the revision of the source and the author of the revision.

    `left_out` lists the untracked files of the work tree, which are not in the zip.
    """

    data: bytes
    revision: str
    author: str
    left_out: tuple[str, ...] = ()

    def require(self, app: Path, dockerfile: str, path: str | None = None) -> None:
        """Raise `ConfigurationError` if the zip does not contain the Dockerfile of the image."""
        with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
            if dockerfile in {posixpath.normpath(name) for name in archive.namelist()}:
                return
        where = f"{path}/{dockerfile}" if path else dockerfile
        if dockerfile in self.left_out:
            raise ConfigurationError(f"{app}: {where} is not committed, but the image is built from it; commit it")
        raise ConfigurationError(
            f"{app}: has no {where}, which is needed to build the image; set APP= to the application's source, or"
            " set build.dockerfile of the service"
        )


def source_archive(app: Path, path: str | None = None) -> Archive:
    """Return a zip of an application's source. `app` is a git work tree, another folder or a zip file.

    For a git work tree, the zip has the files of the commit HEAD. To release only a folder within `app`, pass its
    relative path as `path`.

    Raises `ConfigurationError` in these cases:
    - The source is empty.
    - The work tree has uncommitted changes.
    - The source contains a link. A link could point to a file outside the source.
    """
    if app.suffix == ".zip" and app.is_file():
        return _read_zip(app, path)
    folder = app / path if path else app
    if not folder.is_dir():
        wrong = "is a file, but not a .zip" if folder.is_file() else "no such folder"
        raise ConfigurationError(f"{folder}: {wrong}; APP= must name a git work tree, a folder or a .zip file")
    if not folder.resolve().is_relative_to(app.resolve()):
        raise ConfigurationError(
            f"{folder}: is outside of {app}; if it is a link, replace the link with the folder itself"
        )
    if in_work_tree(folder):
        commit = read_commit(folder)
        return Archive(_zip(_check_names(folder, commit.files)), commit.revision, commit.author, commit.untracked)
    files = _check_names(folder, _files(folder, _present(folder)))
    return Archive(_zip(files), f"sha256:{_digest(files)}", _user())


def _read_zip(path: Path, within: str | None) -> Archive:
    if within:
        raise ConfigurationError(
            f"{path}: a zip is always released as a whole; to release only {within}, set APP= to a folder"
        )
    data = path.read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _refuse_entries(path, entries)
            broken = archive.testzip()
            empty = all(entry.is_dir() for entry in entries)
    except UNREADABLE as error:
        raise ConfigurationError(f"{path}: cannot be read as a zip file: {error}") from None
    if broken is not None:
        raise ConfigurationError(f"{path}: contains {broken!a}, which is damaged; make the zip again")
    if empty:
        raise ConfigurationError(f"{path}: contains nothing to release")
    return Archive(data, f"sha256:{hashlib.sha256(data).hexdigest()}", _user())


def _refuse_entries(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Raise `ConfigurationError` if the zip contains a link or an ambiguous name.

    A name is ambiguous if programs interpret it differently, or if some of them refuse it. For example, a backslash
    is part of a name on Linux, but separates folders on Windows. The image build unpacks the zip on Linux.
    """
    advice = "make the zip again, with `/` between folders and without `..`, or set APP= to the folder with the source"
    wrong = [entry.orig_filename for entry in entries if _is_ambiguous(entry.orig_filename)]
    if wrong:
        raise ConfigurationError(f"{path}: contains {_first(wrong)}, which is not a valid file name; {advice}")
    names = Counter(posixpath.normpath(entry.filename) for entry in entries)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ConfigurationError(f"{path}: contains {_first(twice)} twice; make the zip again")
    links = [entry.filename for entry in entries if stat.S_ISLNK(entry.external_attr >> 16)]
    if links:
        raise ConfigurationError(
            f"{path}: {_first(links)} is a link, so its content is not part of the source; replace it with the file"
        )


def _is_ambiguous(name: str) -> bool:
    return not name or name.startswith("/") or ".." in name.split("/") or bool(re.search(r"[\\\x00]|^[A-Za-z]:", name))


def _first(names: list[str]) -> str:
    return f"{names[0]!r}{f' (and {len(names) - 1} more)' if len(names) > 1 else ''}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container, the user id may have no user name.
        return f"uid {os.getuid()}"


def _check_names(folder: Path, files: dict[str, tuple[bytes, bool]]) -> dict[str, tuple[bytes, bool]]:
    """Return `files` unchanged. Raises `ConfigurationError` if `files` is empty, or if a name is not valid in a zip."""
    if not files:
        raise ConfigurationError(f"{folder}: contains nothing to release")
    for name in files:
        if "\\" in name:
            raise ConfigurationError(f"{folder}: {name!r} has a backslash, which some programs read as /; rename it")
        try:
            name.encode()
        except UnicodeEncodeError:
            raise ConfigurationError(
                f"{folder}: {name!a} is not valid UTF-8, so a zip cannot contain it; rename it"
            ) from None
    return files


def _present(folder: Path) -> Iterable[str]:
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if not IGNORED & set(relative.parts) and (path.is_symlink() or path.is_file()):
            yield relative.as_posix()


def _files(folder: Path, names: Iterable[str]) -> dict[str, tuple[bytes, bool]]:
    """Return, for each name in `names`, the content of the file, and whether the file is executable.

    Raises `ConfigurationError` if a file is a link.
    """
    found = {}
    for name in names:
        path = folder / name
        if path.is_symlink():
            raise ConfigurationError(
                f"{path}: is a link, so its content is not part of the source; replace it with the file"
            )
        found[name] = (path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found


def _digest(files: Mapping[str, tuple[bytes, bool]]) -> str:
    digest = hashlib.sha256()
    for name, (content, executable) in sorted(files.items()):
        digest.update(f"{name}\0{executable}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def _zip(files: Mapping[str, tuple[bytes, bool]]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, (content, executable) in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3
            entry.external_attr = (0o100755 if executable else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return target.getvalue()


def bundle(stacks: Iterable[StackTemplate]) -> bytes:
    """Return the zip that the pipeline deploys. For each stack, it has the reviewed template and a file with the tags.

    The file with the tags is a template configuration file of CodePipeline:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-cfn-artifacts.html
    """
    files: dict[str, tuple[bytes, bool]] = {}
    for stack in stacks:
        name = f"{stack.links.environment}/{stack.path.name}"
        tags = json.dumps({"Tags": stack.tags}, indent=2) + "\n"
        files[name] = (stack.text.encode(), False)
        files[f"{name.removesuffix(stack.path.suffix)}.configuration.json"] = (tags.encode(), False)
    return _zip(files)


def read_bundle(data: bytes) -> dict[str, bytes]:
    """Return the files in the zip file `data`, keyed by name.

    Return no files if the zip file cannot be read, is too large, or has two files with the same name. The function
    `bundle` never writes such a zip file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if sum(entry.file_size for entry in archive.infolist()) > BUNDLE_BYTES or len(set(names)) < len(names):
                return {}
            return {name: archive.read(name) for name in names}
    except UNREADABLE:
        return {}
