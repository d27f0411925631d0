"""Decides whether COPY and mounts bring only lock files into a stage of a Dockerfile, with unchanged names.

Lock files may only go to folders of project sources, such as /app. In another folder, an installed program could run a
lock file as code: Node.js even runs a file `go.sum` if the `package.json` in the same folder names this file.

The text of this module becomes part of a build script, so it must run on Python 3.8.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
from typing import Any

LOCKS = (
    *("*requirements*.txt", "pyproject.toml", "uv.lock", "package.json", "package-lock.json"),
    *("npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "go.mod", "go.sum", "Cargo.toml", "Cargo.lock"),
    *("composer.json", "composer.lock"),
)
# Folders that Dockerfiles use for the files of a project. No base image has programs in these folders.
PROJECT_FOLDER = re.compile(
    r"/(?:app|application|build|code|function|project|repo|src|srv|workdir|workspace|go/src|opt/app|usr/src|var/task"
    r"|var/www|home/[\w-]+|tmp/[\w-]+)(?:/|$)"
)
# The subfolders of these folders that contain programs, packages or configuration.
HOLDS_PROGRAMS = re.compile(
    r"/(?:\.[^/]*|s?bin|lib(?:32|64|exec)?|node_modules|(?:site|dist)-packages|vendor|__pycache__)(?:/|$)",
    re.IGNORECASE,
)
# The options of COPY that do not change the names and places of files.
COPY_OPTIONS = re.compile(r"--(?:chown|chmod|from)=.*|--link(?:=.*)?")
# Plugins that pnpm runs.
PLUGINS = rb"configDependencies|pnpmfile"
# Packages from git. npm runs programs of their repositories.
FROM_GIT = rb"git\+|git://|(?<![\w-])git@|\b(?:github|gitlab|bitbucket):|\.git[\"'#\s]|codeload\."
RUNS_CODE = re.compile(FROM_GIT + b"|" + PLUGINS)
CONFIGURES_PNPM = re.compile(PLUGINS + rb'|"pnpm"')
# Escapes of a letter, continued lines and encoded text, in YAML and in a lock file of yarn.
HIDDEN = re.compile(rb"\\(?:[xuU/]|\r?\n|\r)|!binary|!<|%TAG")
NODE_LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml")
ALIASES = {"src": "source", "dst": "target", "destination": "target"}


def is_lock(context: str, path: str) -> bool:
    """Return whether everything that `path` matches in the build context is a lock file.

    `path` can be a pattern such as `*.txt`. Return False for a folder, because a folder could contain programs. Also
    return False if a part of the path is a link, because the link could point to any folder.
    """
    if not re.fullmatch(r"[\w./*-]+", path) or ".." in path or "*" in os.path.dirname(path):
        return False
    root = os.path.realpath(context)
    folder = os.path.normpath(os.path.join(root, os.path.dirname(path).lstrip("/")))
    name = os.path.basename(path)
    matching = fnmatch.filter(os.listdir(folder), name) if os.path.isdir(folder) else []
    linked = os.path.realpath(folder) != folder
    files = [os.path.join(folder, each) for each in matching]
    known = all(is_lock_name(os.path.join(os.path.dirname(path), each)) for each in matching)
    return bool(files) and known and not linked and all(is_text(each) and not runs_code(each) for each in files)


def is_text(path: str) -> bool:
    """Return whether a file contains only text, so that no program can load it as a library or an archive."""
    if not os.path.isfile(path) or os.path.islink(path):
        return False
    with open(path, "rb") as file:
        data = file.read()
    try:
        return "\0" not in data.decode("utf-8")
    except UnicodeDecodeError:
        return False


def runs_code(path: str) -> bool:
    """Return whether a file makes a Node.js installer run code even when package scripts are disabled.

    Also return True if an escape sequence, invalid JSON or a duplicate key in the file could hide such code.
    """
    name = os.path.basename(path)
    pattern = RUNS_CODE if name in NODE_LOCKS else CONFIGURES_PNPM if name == "package.json" else None
    if not pattern:
        return False
    with open(path, "rb") as file:
        data = file.read()
    if not name.endswith(".json"):
        return bool(pattern.search(data) or HIDDEN.search(data))
    try:
        content = json.loads(data.decode(), object_pairs_hook=unique)
        text = json.dumps(content, ensure_ascii=False)
        # Only control characters, quotes and backslashes are still escaped.
        data = re.sub(r"\\(?:u[0-9a-f]{4}|.)", " ", text).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return True
    return bool(pattern.search(data))


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the JSON object with these keys and values. Raise `ValueError` if a key occurs twice.

    Two programs could use different values of such a key.
    """
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key occurs twice")
    return content


def is_lock_name(path: str) -> bool:
    """Return whether the file at this path is a lock file, or a file that installers read together with a lock file."""
    name = os.path.basename(path)
    in_folder = os.path.basename(os.path.dirname(path)) == "requirements" and name.endswith(".txt")
    return in_folder or any(fnmatch.fnmatchcase(name, lock) for lock in LOCKS)


def keeps_names(arguments: str) -> bool:
    """Return whether a COPY instruction with these arguments keeps the names of the files that it copies."""
    *sources, target = arguments.split() or [""]
    same = len(sources) == 1 and os.path.basename(target) == os.path.basename(sources[0])
    return bool(sources) and (same or target in (".", "./") or target.endswith("/"))


def resolved(folder: str, path: str) -> str:
    """Return the absolute path of `path`, or an empty string if it is unknown. Relative paths start in `folder`."""
    if not re.fullmatch(r"[\w./@+-]+", path) or ".." in path.split("/"):
        return ""
    whole = path if path.startswith("/") else f"{folder}/{path}" if folder else ""
    return whole and "/" + os.path.normpath(whole).lstrip("/")


def is_project_folder(path: str) -> bool:
    """Return whether an absolute path can be the folder of a project, and not a folder of installed programs."""
    return bool(PROJECT_FOLDER.match(path)) and not HOLDS_PROGRAMS.search(path)


def is_place_for_lock(folder: str, target: str, source: str) -> bool:
    """Return whether `source`, a lock file, may be copied to `target`. A relative `target` starts in `folder`.

    A `.txt` file may also be copied directly to /tmp.
    """
    path = resolved(folder, target)
    parent = path if target == "." or target.endswith("/") else os.path.dirname(path)
    return is_project_folder(parent) or (parent == "/tmp" and source.endswith(".txt"))  # noqa: S108 - in an image


def may_hold_locks(path: str) -> bool:
    """Return whether the folder `path` in an image, or a folder below it, may contain lock files.

    An empty path stands for an unknown path, so the result is True.
    """
    parents = ("/", "/go", "/home", "/opt", "/tmp", "/usr", "/var")  # noqa: S108 - in an image
    return not path or path in parents or path.startswith("/tmp/") or is_project_folder(path)  # noqa: S108 - as above


def moves_locks(folder: str, arguments: str) -> bool:
    """Return whether COPY from another stage could put lock files outside of project folders."""
    *sources, target = arguments.split()
    place = resolved(folder, target)
    paths = [resolved("/", source) for source in sources]
    return not is_project_folder(place) and any(may_hold_locks(path) and path != place for path in paths)


def brings_programs(folder: str, arguments: str, *, from_image: bool) -> bool:
    """Return whether `COPY --from` could copy a program into a folder with lock files.

    Such a program could execute the content of a lock file.
    """
    *sources, target = arguments.split()
    if not may_hold_locks(resolved(folder, target)):
        return False
    return from_image or not all(is_project_folder(resolved("/", source)) for source in sources)


def copies_locks(context: str, arguments: str) -> bool:
    """Return whether COPY copies only lock files and keeps their names."""
    return keeps_names(arguments) and all(is_lock(context, each) for each in arguments.split()[:-1])


def mounts_locks(context: str, folder: str, options: list[str]) -> bool:
    """Return whether RUN mounts only lock files, each under its own file name and in an allowed folder."""
    for option in options:
        parts = [part.partition("=") for part in option.partition("=")[2].split(",")]
        values = {ALIASES.get(key.lower(), key.lower()): value for key, _, value in parts}
        same = os.path.basename(values.get("source", "")) == os.path.basename(values.get("target", "/"))
        plain = len(values) == len(parts) and values.keys() <= {"type", "source", "target", "ro", "readonly"}
        source, target = values.get("source", ""), values.get("target", "")
        bound = plain and values.get("type") == "bind" and same and bool(source and target)
        if not (bound and is_lock(context, source) and is_place_for_lock(folder, target, source)):
            return False
    return True
