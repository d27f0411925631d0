"""Decides whether COPY and mounts of a Dockerfile bring only lock files into a stage, under their own names.

A build script takes this module over as text, so it needs only Python 3.8.
"""

from __future__ import annotations

import fnmatch
import os
import re

LOCKS = (
    *("*requirements*.txt", "constraints.txt", "pyproject.toml", "uv.lock", "package.json", "package-lock.json"),
    *("npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "go.mod", "go.sum", "Cargo.toml", "Cargo.lock"),
    *("composer.json", "composer.lock"),
)
ALIASES = {"src": "source", "dst": "target", "destination": "target"}


def is_lock(context: str, path: str) -> bool:
    """Return whether a path in the build context matches only lock files.

    Return False for a folder, because it could hold programs.
    """
    if not re.fullmatch(r"[\w./*-]+", path) or ".." in path or "*" in os.path.dirname(path):
        return False
    folder = os.path.join(context, os.path.dirname(path).lstrip("/"))
    name = os.path.basename(path)
    matching = fnmatch.filter(os.listdir(folder), name) if os.path.isdir(folder) else []
    files = [os.path.join(folder, each) for each in matching]
    known = all(is_lock_name(os.path.join(os.path.dirname(path), each)) for each in matching)
    return bool(files) and known and all(is_text(each) for each in files)


def is_text(path: str) -> bool:
    """Return whether a path is a text file, which no program can load as a library or an archive."""
    if not os.path.isfile(path) or os.path.islink(path):
        return False
    with open(path, "rb") as file:
        data = file.read()
    try:
        return "\0" not in data.decode("utf-8")
    except UnicodeDecodeError:
        return False


def is_lock_name(path: str) -> bool:
    """Return whether a file with this path is a lock file, or is read together with a lock file."""
    name = os.path.basename(path)
    in_folder = os.path.basename(os.path.dirname(path)) == "requirements" and name.endswith(".txt")
    return in_folder or any(fnmatch.fnmatchcase(name, lock) for lock in LOCKS)


def keeps_names(arguments: str) -> bool:
    """Return whether COPY keeps the names of the files that it copies."""
    *sources, target = arguments.split() or [""]
    same = len(sources) == 1 and os.path.basename(target) == os.path.basename(sources[0])
    return bool(sources) and (same or target in (".", "./") or target.endswith("/"))


def copies_locks(context: str, arguments: str) -> bool:
    """Return whether COPY copies only lock files and keeps their names."""
    return keeps_names(arguments) and all(is_lock(context, each) for each in arguments.split()[:-1])


def mounts_locks(context: str, options: list[str]) -> bool:
    """Return whether the options of RUN mount only lock files, under their own names."""
    for option in options:
        parts = [part.partition("=") for part in option.partition("=")[2].split(",")]
        values = {ALIASES.get(key.lower(), key.lower()): value for key, _, value in parts}
        same = os.path.basename(values.get("source", "")) == os.path.basename(values.get("target", "/"))
        plain = len(values) == len(parts) and values.keys() <= {"type", "source", "target", "ro", "readonly"}
        if not (plain and values.get("type") == "bind" and same and is_lock(context, values["source"])):
            return False
    return True
