"""Reads and writes the list of checksums of rendered files. The list shows whether the files or their sources changed.

The list has the format of `sha256sum`. Its first line is a comment with a digest of the configuration and of the user's
own layers. A deployment compares this digest with the current files, so that outdated templates are not deployed.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cicd_templates.files.paths import CHECKSUMS, CONFIGURATION, OWN_LAYERS

RENDERED_FROM = f"# rendered from {CONFIGURATION} and {OWN_LAYERS}: "
TEMPLATE_SUFFIXES = (".yaml", ".json")
SHOWN_DIFFERENCES = 3


def source_digest(project: Path = Path(), configuration: Mapping[str, Any] | None = None) -> str:
    """Return a digest of the configuration and of the user's own layers in `project`.

    The layout of the configuration and its comments do not affect the digest. `configuration` is the parsed content of
    the file; if it is None, the file is read. Raises `OSError` or `ValueError` if the file cannot be read.
    """
    if configuration is None:
        configuration = tomllib.loads((project / CONFIGURATION).read_text(encoding="utf-8"))
    digest = hashlib.sha256(json.dumps(configuration, sort_keys=True, default=str).encode())
    for path in sorted((project / OWN_LAYERS).glob("*.py")):
        digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def digest_of(text: str) -> str:
    """Return the SHA-256 of a file with this text."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of the file `path`. Raises `OSError` if the file cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def checksums_text(digests: Mapping[str, str], sources: str = "") -> str:
    """Return the list of checksums. `digests` maps the relative paths of files to their SHA-256.

    `sources` is the digest of the configuration and of the user's own layers.
    """
    lines = [f"{RENDERED_FROM}{sources}\n"] if sources else []
    return "".join([*lines, *(f"{digests[path]}  {path}\n" for path in sorted(digests))])


def parse_checksums(text: str) -> dict[str, str]:
    """Return the digests in a list of checksums, by path. A line without a path gets an empty path."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def recorded_sources(text: str) -> str:
    """Return the digest of the configuration and the user's own layers, from the first line of a list of checksums.

    `text` is the content of the list. If the list does not have this digest, return an empty string.
    """
    first = text.partition("\n")[0]
    return first.removeprefix(RENDERED_FROM) if first.startswith(RENDERED_FROM) else ""


def read_listed(folder: Path) -> Mapping[str, str] | None:
    """Return the digest of each file that `make render` wrote into `folder`, keyed by path.

    Return None if the folder has no list of digests.
    """
    try:
        return parse_checksums((folder / CHECKSUMS).read_bytes().decode("utf-8", errors="replace"))
    except FileNotFoundError:
        return None


def find_strays(folder: Path, environment: str) -> list[Path]:
    """Return the templates of `environment` in `folder` that `make render` did not write. They are never deployed.

    Without a list of checksums, the result is empty.
    """
    listed = read_listed(folder)
    paths = sorted(path for path in (folder / environment).glob("*") if path.suffix in TEMPLATE_SUFFIXES)
    return [] if listed is None else [path for path in paths if f"{environment}/{path.name}" not in listed]


def find_edits(folder: Path, environment: str, project: Path = Path()) -> str:
    """Return a message about files that were edited since the last `make render`, or an empty string if there are none.

    Checks the configuration, the user's own layers, and the templates of `environment` in `folder`. Templates that are
    not in the list of checksums are not checked; `find_strays` returns them.
    """
    try:
        text = (folder / CHECKSUMS).read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    edited = [
        name
        for name, digest in sorted(parse_checksums(text).items())
        if name.startswith(f"{environment}/") and _digest(folder / name) not in ("", digest)
    ]
    if edited:
        more = f" and {len(edited) - SHOWN_DIFFERENCES} more" if len(edited) > SHOWN_DIFFERENCES else ""
        return f"{', '.join(str(folder / name) for name in edited[:SHOWN_DIFFERENCES])}{more} was edited by hand"
    sources = recorded_sources(text)
    if sources and sources != source_digest(project):
        return f"{CONFIGURATION} or a layer in {OWN_LAYERS} was edited, and {folder}/ was not rendered since"
    return ""


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file, or an empty string if there is no such file."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""
