"""Copy requirements files for a scanner, and list the Python packages that the scanner cannot see.

`dependencies.py SOURCE COPY NAME` reads the requirements files below SOURCE whose paths match NAME. It writes a copy of
each of these files to the folder COPY:

- The copy has no environment markers. With markers, a scanner skips packages for other Python versions.
- The copy has no packages for systems other than Linux, because images run on Linux.
- The copy is named `requirements.txt`, `1-requirements.txt` and so on. Safety skips other names and deep folders.

The script also prints a JSON list of the files and Python packages that the scanner cannot see. For example, a package
is declared in a file of another format, or SOURCE contains the package itself. Each item of the list stops a release.
Standard input is a JSON list of the archives in SOURCE that contain packages.
"""

import ast
import configparser
import fnmatch
import json
import os
import posixpath
import re
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

from cicd_templates.builds.scripts.package_files import is_file_of
from cicd_templates.builds.scripts.requirements_grammar import (
    PINNED,
    ambiguity,
    for_another_system,
    normalised,
    requirements,
)

SHOWN = 20
REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# A folder or a file with the metadata of a package, as `importlib.metadata` finds them.
DESCRIBED = re.compile(r"([^/]+?)(?:-([^/-]+)(?:-py[\d.]+)?)?\.(?:dist|egg)-info", re.IGNORECASE)
DESCRIPTIONS = ("METADATA", "PKG-INFO")
# Options of pip that name no package and cannot run code. pip also reads further options on the same line.
OPTIONS = re.compile(
    r"(?:-i|-f|--(?:index-url|extra-index-url|find-links|trusted-host|use-feature))[ =]+\S+"
    r"|--(?:prefer-binary|require-hashes|pre|no-index)|--only-binary[ =]+:all:"
)
# A constraint can name the address of a package, too.
INCLUDED = re.compile(r"(?:-r|-c|--requirement|--constraint)[ =]*([\w.][\w./-]*)")
LOCK_FILES = ("poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "pylock.*.toml")
# The keys of a lock file for a package whose address is not an index.
ELSEWHERE = ("url", "git", "path", "file", "directory", "archive", "vcs")
# The keys with which an entry of a lock file names the file that is installed.
FILE_KEYS = ("file", "filename", "name", "path", "url")
PYPI, PYPI_FILES = (f"https://{host}.org/" for host in ("pypi", "files.pythonhosted"))
CONDA = ("environment*.y*ml", "conda*.y*ml", "pixi.lock", "pixi.toml")
OWN_NAME = re.compile(r"""\bname\s*=\s*["']?([A-Za-z0-9._-]+)""")
PROJECT_FILES = ("pyproject.toml", "setup.cfg", "setup.py")
IMPORTABLE = (".py", ".pyc", ".so", ".pyd")
VENDORED = {"vendor", "vendored", "third_party", "thirdparty", "extern", "site_packages", "dist_packages"}
Found = Iterator[tuple[str, str]]


def read_requirements(data: bytes) -> tuple[list[str], list[str]]:
    """Return two lists: the pinned packages in a requirements file, and the lines that a scanner cannot read.

    If pip and a scanner could read different packages in the file, the second list has a message instead of lines.
    """
    pins, others, problem = [], [], ambiguity(data)
    for line in requirements(data):
        pinned = PINNED.fullmatch(line)
        if pinned and not for_another_system(pinned["marker"] or ""):
            pins.append(f"{pinned['name']}{pinned['extras'] or ''}=={pinned['version']}")
        elif not pinned and not OPTIONS.fullmatch(line):
            others.append(line)
    return pins, [problem] if problem else others


def strings(value: Any) -> list[str]:
    """Return the strings in a list, or the keys of an object."""
    items = list(value) if isinstance(value, (list, dict)) else []
    return [item for item in items if isinstance(item, str)]


def lists_in(value: Any) -> list[str]:
    """Return the strings of all lists in `value`, a map such as `{"dev": ["pytest"]}`."""
    return [text for each in value.values() for text in strings(each)] if isinstance(value, dict) else []


def table(value: Any, *keys: str) -> dict[str, Any]:
    """Return the object in `value` below the nested keys `keys`, or an empty object."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


# The tables with packages in lock files. uv accepts `distribution` as another name of `package`.
PACKAGE_TABLES = frozenset({"package", "packages", "distribution"})


def in_lock_file(text: str) -> Found:
    """Yield the name and version of every package in a TOML lock file. Skip packages that are folders of the source.

    In two cases, no scanner can judge a package. For these packages, also yield a text that says what is wrong:

    - The package does not come from a package index.
    - The package has a file whose name contains another package name or version.
    """
    lock = tomllib.loads(text)
    arrays = {key for key, rows in lock.items() if isinstance(rows, list) and any(type(row) is dict for row in rows)}
    known = sorted(lock.keys() & PACKAGE_TABLES)
    yield from ((f"{key}, which is not known in a lock file", "") for key in sorted(arrays - PACKAGE_TABLES))
    if not known:
        yield "packages that the lock file does not list", ""
    for package in (row for key in known for row in lock[key]):
        source = table(package, "source")
        if source and source.keys() <= {"virtual", "editable"}:
            continue
        name, version = str(package.get("name")), str(package.get("version", ""))
        yield name, version
        places = [package, source] if source.get("type") != "legacy" else [package]
        addresses = [str(place[key]) for place in places for key in ELSEWHERE if key in place]
        index = str(source.get("registry") or package.get("index") or PYPI)
        files = [package.get("sdist"), *package.get("wheels", ()), *package.get("files", ())]
        files += lock.get("metadata", {}).get("files", {}).get(name, ())
        stated = [(key, str(file[key])) for file in files if isinstance(file, dict) for key in FILE_KEYS if key in file]
        # The address of a file counts, not the address of its index.
        urls = [url for key, url in stated if key == "url" and index.startswith(PYPI)]
        addresses += [url for url in urls if not url.startswith(PYPI_FILES)]
        addresses += [posixpath.basename(file) for _, file in stated if not is_file_of(file, name, version)]
        yield from ((f"{name} from {address[:80]}", "") for address in addresses[:1])


def in_pyproject(text: str) -> Found:
    """Yield the packages that a pyproject.toml file declares."""
    content = tomllib.loads(text)
    project, poetry = table(content, "project"), table(content, "tool", "poetry")
    declared = strings(project.get("dependencies")) + lists_in(project.get("optional-dependencies"))
    declared += lists_in(content.get("dependency-groups")) + lists_in(table(content, "tool", "pdm", "dev-dependencies"))
    declared += strings(table(content, "tool", "uv").get("dev-dependencies"))
    for key in strings(project.get("dynamic")):
        files = strings(table(content, "tool", "setuptools", "dynamic", key).get("file"))
        if key.endswith("dependencies") and not (files and all(map(is_requirements, files))):
            yield f"computed {key}", ""
    groups = [poetry, *table(poetry, "group").values()]
    declared += [name for group in groups for key in ("dependencies", "dev-dependencies") for name in table(group, key)]
    # Poetry lists the Python version among the packages.
    yield from ((name, "") for name in names_in(declared) if name != "python")


def names_in(requirements: list[str]) -> list[str]:
    """Return the package names in requirements such as `flask>=3; python_version > "3"`."""
    return [found[0] if (found := REQUIREMENT.match(each.strip())) else each for each in requirements if each.strip()]


def in_pipfile(text: str) -> Found:
    """Yield the packages that a Pipfile declares."""
    content = tomllib.loads(text)
    yield from ((name, "") for key in ("packages", "dev-packages") for name in table(content, key))


def in_pipfile_lock(text: str) -> Found:
    """Yield the name and version of every package in a Pipfile.lock file."""
    content = json.loads(text)
    for key in ("default", "develop"):
        for name, about in table(content, key).items():
            about = about if isinstance(about, dict) else {}
            yield name, str(about.get("version", "")).removeprefix("==")
            yield from ((f"{name} from {str(about[key])[:80]}", "") for key in ELSEWHERE if key in about)


def in_setup_cfg(text: str) -> Found:
    """Yield the packages that a setup.cfg file declares."""
    content = configparser.RawConfigParser(strict=False)
    content.read_string(text)
    declared = [content.get("options", key, fallback="") for key in ("install_requires", "setup_requires")]
    if content.has_section("options.extras_require"):
        declared += [value for _, value in content.items("options.extras_require")]
    yield from ((name, "") for each in declared for name in names_in(re.split(r"[\n;]", each)))


def in_setup_py(text: str) -> Found:
    """Yield the packages that a setup.py file declares. If code computes this list, yield a text that says so."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and None in [each.arg for each in node.keywords]:
            yield "computed arguments of a call", ""
        if isinstance(node, ast.keyword) and node.arg in ("install_requires", "extras_require", "setup_requires"):
            try:
                value = ast.literal_eval(node.value)
            except ValueError:
                yield f"computed {node.arg}", ""
                continue
            declared = lists_in(value) if isinstance(value, dict) else strings(value)
            yield from ((name, "") for name in names_in(declared))


def is_vendored(folder: str) -> bool:
    """Return whether folders with the name `folder`, such as `vendor`, usually contain copied libraries."""
    return folder.lower().replace("-", "_").strip("_") in VENDORED


def described(path: str) -> tuple[str, str, str] | None:
    """Return the folder, name and version of the package that a metadata file describes, or None for other files."""
    parts = path.split("/")
    for number, part in enumerate(parts, 1):
        if found := DESCRIBED.fullmatch(part):
            return "/".join(parts[:number]), found[1], found[2] or ""
    return (path, "", "") if parts[-1] in DESCRIPTIONS else None


def is_requirements(path: str) -> bool:
    """Return whether a file is a requirements file according to its name or the name of its folder."""
    folder, name = os.path.split(path)
    return name.endswith(".txt") and ("requirements" in name or os.path.basename(folder) == "requirements")


READERS = {
    **dict.fromkeys(LOCK_FILES, in_lock_file),
    "pyproject.toml": in_pyproject,
    "Pipfile": in_pipfile,
    "Pipfile.lock": in_pipfile_lock,
    "setup.cfg": in_setup_cfg,
    "setup.py": in_setup_py,
}


class Dependencies:
    """Collects the dependencies that a source declares or contains, file by file."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        self.pins: dict[str, set[str]] = {}
        self.copies: dict[str, list[str]] = {}
        self.declared: list[tuple[str, str, str]] = []
        self.packages: list[tuple[str, str, str]] = []
        self.included: list[tuple[str, str]] = []
        self.not_read: list[str] = []
        self.own = ""

    def take(self, path: str, full: str) -> None:
        """Collect the dependencies in a file of a known kind, and ignore other files.

        `full` is the path of the file. `path` is the same path relative to the source.
        """
        name = os.path.basename(path)
        readers = [reader for pattern, reader in READERS.items() if fnmatch.fnmatchcase(name, pattern)]
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in CONDA):
            self.not_read.append(path)
        elif metadata := described(path):
            self.take_metadata(full, *metadata)
        elif name.lower().endswith(IMPORTABLE) and any(map(is_vendored, path.split("/")[:-1])):
            self.not_read.append(os.path.dirname(path))
        elif is_requirements(path) or readers:
            self.read(path, full, readers)

    def take_link(self, path: str) -> None:
        """Add the link to `not_read` if an installer could read packages through the link."""
        name = os.path.basename(path)
        if name == "requirements" or is_requirements(path) or any(fnmatch.fnmatchcase(name, each) for each in READERS):
            self.not_read.append(f"{path}, which is a link")

    def read(self, path: str, full: str, readers: list[Any]) -> None:
        """Collect the dependencies that a file declares. If the file cannot be parsed, add its path to `not_read`."""
        try:
            with open(full, "rb") as file:
                data = file.read()
            if is_requirements(path):
                self.take_requirements(path, data)
            text = data.decode() if readers else ""
            if path in PROJECT_FILES and (found := OWN_NAME.search(text)):
                self.own = normalised(found[1])
            for reader in readers:
                self.declared += [(path, name, version) for name, version in reader(text)]
        except (ValueError, SyntaxError, RecursionError, AttributeError, TypeError, configparser.Error) as error:
            self.not_read.append(f"{path}: {type(error).__name__}")

    def take_metadata(self, full: str, place: str, name: str, version: str) -> None:
        """Collect a package under two names: from the path of its metadata file, and from the content of this file."""
        if name:
            self.packages.append((place, name, version))
        if os.path.basename(full) in DESCRIPTIONS or full.lower().endswith(".egg-info"):
            with open(full, encoding="utf-8", errors="replace") as file:
                header = re.split(r"\r?\n\r?\n", file.read())[0]
            about = dict(re.findall(r"^(name|version):[ \t]*(\S+)", header.lower(), re.MULTILINE))
            self.packages.append((place, about.get("name", name or "a package"), about.get("version", version)))

    def take_requirements(self, path: str, data: bytes) -> None:
        """Collect the packages of a requirements file, and decide whether the scanner gets a copy of the file."""
        pins, others = read_requirements(data)
        self.included += [(path, line) for line in others]
        named = [pin.partition("==") for pin in pins]
        if fnmatch.fnmatchcase(path, self.wanted):
            self.copies[path] = pins
            for name, _, version in named:
                self.pins.setdefault(normalised(name.partition("[")[0]), set()).add(version)
        else:
            self.declared += [(path, name.partition("[")[0], version) for name, _, version in named]

    def is_included(self, path: str, line: str) -> bool:
        """Return whether `line` in the file `path` includes another file, and the scanner gets a copy of that file."""
        included = INCLUDED.fullmatch(line)
        return (
            included is not None and os.path.normpath(os.path.join(os.path.dirname(path), included[1])) in self.copies
        )

    def is_pinned(self, name: str, version: str) -> bool:
        """Return whether a file for the scanner pins the package to `version`. An empty `version` means any version."""
        pins = self.pins.get(normalised(name), set())
        return version in pins if version else bool(pins)

    def is_own(self, place: str, name: str) -> bool:
        """Return whether `place` is the `<name>.egg-info` that an installation of the source itself creates."""
        return normalised(os.path.basename(place)) == f"{self.own}-egg-info" and normalised(name) == self.own

    def missing(self) -> list[str]:
        """Return the files and packages that the scanner cannot see, because it reads only requirements files."""
        others = [package for package in self.packages if not self.is_own(*package[:2])]
        unpinned = [
            f"{path}: {name}{f' {version}' if version else ''}"
            for path, name, version in [*self.declared, *others]
            if not self.is_pinned(name, version)
        ]
        apart = [f"{path}: {line[:80]}" for path, line in self.included if not self.is_included(path, line)]
        return list(dict.fromkeys([*self.not_read, *apart, *unpinned]))


def main() -> None:
    """Write copies of the requirements files, and print the packages that are pinned in none of the copies."""
    source, copy, wanted = sys.argv[1:]
    found = Dependencies(wanted)
    found.not_read += json.load(sys.stdin)
    for folder, folders, names in os.walk(source):
        for name in sorted([*names, *folders]):
            full = os.path.join(folder, name)
            path = os.path.relpath(full, source)
            if os.path.islink(full):
                found.take_link(path)
            elif name in names:
                found.take(path, full)
    os.makedirs(copy, exist_ok=True)
    for number, path in enumerate(sorted(found.copies)):
        # Scanners recognize a requirements file only by its name, and one scanner skips deep folders.
        target = path if path == "requirements.txt" else f"{number + 1}-requirements.txt"
        with open(os.path.join(copy, target), "w") as file:
            file.write("".join(f"{pin}\n" for pin in found.copies[path]))
    missing = found.missing()
    more = [f"{len(missing) - SHOWN} more"] if len(missing) > SHOWN else []
    print(json.dumps([*missing[:SHOWN], *more]))


main()
