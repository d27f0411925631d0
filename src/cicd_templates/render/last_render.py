"""Records the inputs and files of the last `make render`, so that an unchanged project is not rendered again.

The record in `.state/` has a digest of all inputs, and the digest and the ctime of `out/SHA256SUMS`, the list of
checksums. The project is not rendered if the inputs and this list are unchanged, and every file in `out/` has its
checksum. A record is ignored if other users can access it or if it has unexpected content. In case of doubt, the
project is rendered.

A commit, an archive or a copy of the project can contain a forged record. But such a record
has the wrong ctime, because the operating system sets the ctime of `out/SHA256SUMS` when it creates this file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import IO, Any, NamedTuple

import cicd_templates
from cicd_templates.files.paths import CHECKSUMS, CONFIGURATION, STATE
from cicd_templates.files.private_files import write_privately
from cicd_templates.template.checksums import digest_of_file, parse_checksums

RECORD = STATE / "rendered.json"
LARGEST_RECORD = 4096
BUFFER = 1 << 20
TOOL = Path(cicd_templates.__file__).parent
LAYERS = CONFIGURATION.parent


class _Digests(NamedTuple):
    """`inputs` is the digest of all inputs of a run. `code` is the digest of all inputs except the configuration."""

    code: str
    inputs: str


class LastRender:
    """Finds out whether a new run of `make render` would write the same files as the last complete run.

    `folder` is the output folder of the new run, and `arguments` are its other arguments. `folders` contain the code
    and the configuration. The constructor reads these folders, so create this object before the layers are imported and
    the configuration is read.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        folders: Iterable[Path] = (TOOL, LAYERS),
        record: Path = RECORD,
        configuration: Path = CONFIGURATION,
    ) -> None:
        self._folder = folder
        # Python would load other code if another folder were first in its path.
        self._arguments = (folder.as_posix(), arguments, [*sys.path])
        self._folders = tuple(folders)
        self._record = record
        self._configuration = configuration
        self._digests = self._digests_now()

    def unchanged_stacks(self) -> int | None:
        """Return the number of stacks in the output folder, or None if the folder may be out of date."""
        record = _read_record(self._record)
        if record is None or self._digests is None or record["inputs"] != self._digests.inputs:
            return None
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if (self._folder / CHECKSUMS).stat().st_ctime_ns != record["changed"]:
                return None
            sums = (self._folder / CHECKSUMS).read_bytes()
            listed = parse_checksums(sums.decode()) | {CHECKSUMS: record["checksums"]}
            present = {path.relative_to(self._folder).as_posix(): path for path in _files(self._folder)}
            same_names = present.keys() == listed.keys()
            if same_names and all(digest_of_file(path) == listed[name] for name, path in present.items()):
                return int(record["stacks"])
        return None

    @property
    def code(self) -> str:
        """The digest of all inputs except the configuration, or an empty text if an input cannot be read."""
        return self._digests.code if self._digests else ""

    def is_certain(self, modules: Iterable[ModuleType] | None = None) -> bool:
        """Return whether the digests certainly cover all inputs of this run.

        The result is False if an input changed during the run, or if a module was loaded from an unknown folder.
        `modules` are the modules to examine, by default all loaded modules.
        """
        loaded = [*sys.modules.values()] if modules is None else modules
        return self._is_covered(loaded) and self._digests_now() == self._digests

    def remember(self, stacks: int) -> None:
        """Record that this run has rendered the output folder with this number of stacks.

        Call `remember` only if `is_certain` has returned True after the rendering. If an input cannot be read, nothing
        is recorded.
        """
        if self._digests is None:
            return
        checksums = self._folder / CHECKSUMS
        record = {
            "inputs": self._digests.inputs,
            "checksums": digest_of_file(checksums),
            "changed": checksums.stat().st_ctime_ns,
            "stacks": stacks,
        }
        # The record only saves time, so a folder that cannot be written is no error.
        with contextlib.suppress(OSError):
            write_privately(self._record, json.dumps(record))

    def _digests_now(self) -> _Digests | None:
        """Return the digests of the inputs, or None if a file cannot be read or if a folder contains a link."""
        try:
            digest = hashlib.sha256(repr((sys.version, _libraries(), self._arguments)).encode())
            for folder in self._folders:
                for path in sorted(_files(folder)):
                    name = path.relative_to(folder)
                    if path != self._configuration and ("__pycache__" not in name.parts or name.suffix != ".pyc"):
                        content = path.read_bytes()
                        digest.update(repr((folder.as_posix(), name.as_posix(), len(content))).encode() + content)
            code = digest.hexdigest()
            digest.update(self._configuration.read_bytes())
        except OSError:
            return None
        return _Digests(code, digest.hexdigest())

    def _is_covered(self, modules: Iterable[ModuleType]) -> bool:
        """Return whether all `modules` are in `folders` or in installed libraries. Ignore the module `__main__`."""
        known = (*_installed(), *(f"{os.path.abspath(folder)}/" for folder in self._folders))
        files = (getattr(module, "__file__", None) for module in modules if module.__name__ != "__main__")
        return all(os.path.abspath(file).startswith(known) for file in files if file)


def _installed() -> list[str]:
    """Return the folders of Python's own modules and of the installed libraries."""
    return [f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib", "purelib", "platlib")]


def _libraries() -> list[tuple[str, str]]:
    """Return the names of the installed libraries, each with the SHA-256 of the file named RECORD.

    RECORD lists the files of a library with their digests. Raises `OSError` if a library has no such file.
    https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    folders = {path for folder in _installed() for path in Path(folder).glob("*.dist-info")}
    return sorted((path.name, digest_of_file(path / "RECORD")) for path in folders)


@contextlib.contextmanager
def open_trusted(path: Path, largest: int) -> Iterator[IO[bytes]]:
    """Open a record, and close it at the end of the `with` block.

    Raises `OSError` if there is none, if it has more than `largest` bytes, or if other users can access it.
    """
    # Without O_NONBLOCK, opening a named pipe waits for somebody who writes to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb", buffering=BUFFER) as stream:
        status = os.fstat(descriptor)
        is_private = status.st_uid == os.getuid() and not status.st_mode & 0o077
        if not stat.S_ISREG(status.st_mode) or not is_private or status.st_size > largest:
            raise OSError(f"{path}: is not a record of this user")
        yield stream


def _read_record(path: Path) -> dict[str, Any] | None:
    """Return the record, or None if the record is missing, cannot be trusted or has the wrong form."""
    try:
        with open_trusted(path, LARGEST_RECORD) as stream:
            record = json.loads(stream.read())
    except (OSError, ValueError):
        return None
    kinds = {"inputs": str, "checksums": str, "changed": int, "stacks": int}
    if not isinstance(record, dict) or {key: type(value) for key, value in record.items()} != kinds:
        return None
    return record


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files in `folder`, at any depth.

    Raises `OSError` for a link, which can lead anywhere, and for anything else that is not an ordinary file.
    """
    for parent, folders, names in os.walk(folder, onerror=_raise):
        if any(Path(parent, name).is_symlink() for name in folders):
            raise OSError(f"{parent}: has a link to a folder")
        for path in (Path(parent, name) for name in names):
            if not stat.S_ISREG(path.lstat().st_mode):
                raise OSError(f"{path}: is not an ordinary file")
            yield path


def _raise(error: OSError) -> None:
    raise error
