"""Refuse a source whose files use a package index that the configuration does not allow.

`package_indexes.py SOURCE SERVICE HOST...` reads the files below SOURCE that give addresses to installers: lock files,
requirements files and the configuration of installers. If an address is not accepted, the script prints the file, the
line and the address, and exits with 1.

An accepted address begins with `https://` and one of the HOSTs. Without any HOST, the hosts of the public index of each
language are accepted. An accepted address has no user name and no password, and no port except 443.

This script runs because the checks of vulnerabilities and licenses know a package only by its name and version. They
cannot notice that a package with this name and version comes from another index.

The script must run on Python 3.8, because it runs in the build environment that has Docker.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from cicd_templates.builds.scripts.dockerfile_indexes import ADDRESS, in_variables
from cicd_templates.builds.scripts.package_managers import unpinned_managers
from cicd_templates.builds.scripts.requirements_grammar import ambiguity
from cicd_templates.builds.scripts.toml_strings import toml_strings

SHOWN = 20
HASH = "add the hash that `corepack use` writes, or remove this value"


def _hosts(ending: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{name}.{ending}" for name in names)


# The hosts of the public index of each language. The index of Rust is a repository, so its path counts as well.
PUBLIC = {
    "python": _hosts("org", "pypi", "files.pythonhosted"),
    "node": (*_hosts("org", "registry.npmjs"), *_hosts("com", "registry.yarnpkg")),
    "rust": (*_hosts("io", "index.crates", "static.crates"), *_hosts("io-index", "github.com/rust-lang/crates")),
    "php": (*_hosts("org", "repo.packagist", "packagist"), *_hosts("com", "api.github", "github")),
    "ruby": _hosts("org", "rubygems"),
    "go": _hosts("org", "proxy.golang", "sum.golang"),
}
ALLOWED = re.compile(r"(?:registry\+|sparse\+)?https://([a-z0-9.-]+)(?::443)?((?:/[^\s\\?#]*)?)(?:[?#]\S*)?")
# An escape of TOML or YAML, or of a URL within a URL, could hide an address.
ESCAPE = re.compile(r"\\[uUx]|\\$", re.MULTILINE)
# Options of a requirements file that name no address.
PLAIN_OPTION = re.compile(
    r"--(?:prefer-binary|require-hashes|pre|no-index)|--(?:only-binary|no-binary|use-feature)[ =]+[\w.,:-]+"
    r"|(?:-e|--editable)[ =]*[\w./,\[\]-]+"
)
INCLUDED = re.compile(r"(?:-r|-c|--requirement|--constraint)[ =]*([\w.][\w./-]*)")
INDEX_OPTION = re.compile(r"(?:-i|-f|--index-url|--extra-index-url|--find-links)[ =]*(\S+)")
REQUIREMENTS = ("*requirements*.txt", "*constraints*.txt")
INCLUDE = "include only *requirements*.txt, *constraints*.txt and requirements/*.txt of this source"
# Folders whose name decides the kind of the files in them.
FOLDERS = ("requirements", ".cargo", "pip")
# Settings with which an installer trusts another server, or uses a proxy.
TRUSTS = re.compile(
    r"^[\s\"']*(?:trusted[-_]host|allow[-_]insecure[-_]host|(?:https?[-_]?)?proxy|(?:client[-_]?)?cert|ca(?:file)?"
    r"|strict-ssl|enableStrictSsl|unsafeHttpWhitelist)[\"']?\s*[=:]",
    re.IGNORECASE | re.MULTILINE,
)
INSECURE = re.compile(r"allow[-_]insecure[-_]host|trusted[-_]host")
# The tables of pyproject.toml that installers read, and the keys of a project that are only information.
INSTALLERS = {"uv", "poetry", "pdm", "pip", "pixi", "pipenv", "hatch", "rye", "conda"}
INFORMATION = {
    *("authors", "badges", "categories", "classifiers", "description", "documentation", "homepage", "keywords"),
    *("license", "license-file", "maintainers", "readme", "repository", "urls"),
}


def is_allowed(address: str, hosts: tuple[str, ...]) -> bool:
    """Return whether an address consists of `https://`, exactly one of the hosts, and a path."""
    found = ALLOWED.fullmatch(address)
    whole = found[1] + found[2].rstrip("/") if found else ""
    return any(whole == host or whole.startswith(f"{host}/") for host in hosts) and ".." not in unquote(whole).split(
        "/"
    )


def line_of(text: str, at: int) -> int:
    """Return the number of the line at a position of a text."""
    return text.count("\n", 0, max(at, 0)) + 1


def addresses(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line number and the text of each address, and of each escape sequence that could hide an address."""
    for number, line in enumerate(text.split("\n"), 1):
        for whole in dict.fromkeys((line, unquote(line))):
            yield from ((number, found[0].rstrip(")]")) for found in ADDRESS.finditer(whole))
    yield from ((line_of(text, found.start()), found[0]) for found in ESCAPE.finditer(text))


def in_configuration(text: str) -> Iterator[tuple[int, str]]:
    """Yield each address in an installer's configuration, and each setting for a proxy, certificate or trusted host."""
    # `//HOST/:_authToken=...` is a secret for a host of npm, not an address from which npm takes packages.
    plain = "\n".join("" if re.match(r"\s*(?:[#;]|//[^:]*/:)", line) else line for line in text.split("\n"))
    yield from addresses(plain)
    yield from ((line_of(plain, found.end()), " ".join(found[0].split())) for found in TRUSTS.finditer(plain))
    # `registry = evil.example`, which npm reads as an address.
    for number, line in enumerate(plain.split("\n"), 1):
        value = re.match(r"[^=]*registry[\"']?\s*=\s*(\S+)", line)
        yield from [(number, value[1])] if value and not ADDRESS.search(value[1]) else []


def options_and_packages(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line of a requirements file and its number. Continuation lines are joined, and comments are
    removed.
    """
    number = 1
    for line in text.replace("\\\n", " \0").split("\n"):
        yield number, re.sub(r"(^|\s)#.*", "", line.replace("\0", "")).strip()
        number += 1 + line.count("\0")


def unread_inclusions(text: str, path: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line that includes a file that this script does not check.

    `text` is the content of the requirements file `path`.
    """
    for number, line in options_and_packages(text):
        included = INCLUDED.fullmatch(line)
        if included and not is_requirements_file(os.path.dirname(path), included[1]):
            yield number, line


def is_requirements_file(folder: str, included: str) -> bool:
    """Return whether this script reads the file `included`, which a requirements file in `folder` includes.

    `included` is a path relative to `folder`. The script reads only requirements files of the source.
    """
    # After another folder, which could be a link, `..` leads to a place that only the system knows.
    if ".." in re.sub(r"^(?:\.\.?/+)*", "", included).split("/"):
        return False
    path = os.path.normpath(os.path.join(folder, included))
    return not path.startswith("../") and any(read is in_requirements for _, read in kinds_of(path))


def in_requirements(text: str) -> Iterator[tuple[int, str]]:
    """Yield the addresses in a requirements file, and options that could contain an address."""
    if problem := ambiguity(text.encode()):
        yield int(problem.split()[1].rstrip(":")), problem.partition(": ")[2]
    for begun, plain in options_and_packages(text):
        option = INDEX_OPTION.fullmatch(plain)
        if option:
            yield begun, option[1]
        elif "${" in plain or (plain.startswith("-") and not PLAIN_OPTION.fullmatch(plain)):
            yield from [] if INCLUDED.fullmatch(plain) else [(begun, plain)]
        else:
            yield from ((begun, found[0]) for found in ADDRESS.finditer(plain))


def in_toml_lock(text: str) -> Iterator[tuple[int, str]]:
    """Yield each address in a TOML lock file, and each value of a key `registry` or `index`, with their lines."""
    # A description is for people. In all other strings, an address is the complete string.
    yield from addresses(re.sub(r'^description = ".*"$', "", text, flags=re.MULTILINE))
    for found in re.finditer(r"\b(?:registry|index)[\"']?\s*=\s*[\"']+([^\"'\n]*)", text):
        yield from [(line_of(text, found.start()), found[1])] if not ADDRESS.match(found[1]) else []


def in_toml(text: str) -> Iterator[tuple[int, str]]:
    """Yield the addresses in a TOML configuration file, except addresses that are only information for people."""
    for number, section, key, string in toml_strings(text):
        of_tool = len(section) > 1 and section[0] == "tool" and section[1] not in INSTALLERS
        of_project = section in (["project"], ["package"], ["workspace", "package"], ["tool", "poetry"])
        listed = section in (["project", "urls"], ["tool", "poetry", "urls"])
        if not (of_tool or listed or (of_project and key.partition(".")[0] in INFORMATION)):
            yield from ((number + at - 1, address) for at, address in addresses(string))
    yield from ((line_of(text, found.end()), found[0]) for found in INSECURE.finditer(text))


def strings(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield `(path, text)` for each string and each key in `value`, which is parsed JSON.

    - In `value`, a JSON object is a list of pairs, because a dict would lose duplicate keys.
    - The path of a string has the keys that lead to the string, such as `("dist", "url")`.
    - The path of a key is the path of its value with an empty string appended, such as `("dist", "url", "")`.
    """
    if isinstance(value, list):
        for each in value:
            pair = isinstance(each, tuple)
            yield from strings(each[1] if pair else each, (*path, each[0]) if pair else path)
            yield from [((*path, each[0], ""), each[0])] if pair else []
    elif isinstance(value, str):
        yield path, value


def in_json(text: str, counts: Callable[[tuple[str, ...]], bool]) -> Iterator[tuple[int, str]]:
    """Yield the addresses in a JSON text. Read only the strings for whose path the function `counts` returns True."""
    parsed = json.loads(text, object_pairs_hook=lambda pairs: pairs)
    for path, string in strings(parsed):
        if not counts(path):
            continue
        at = line_of(text, text.find(json.dumps(string, ensure_ascii=False)[1:-1]))
        if path[-1:] == ("resolved",) and not re.fullmatch(r"(?!//)[\w./@-]*", string):
            yield at, string
        else:
            yield from ((at, address) for _, address in addresses(string))


def in_npm_lock(text: str) -> Iterator[tuple[int, str]]:
    """Read an npm lock file, and yield the addresses from which npm takes packages."""
    # Values below `packages/<path>/funding` and similar keys are only information.
    information = ("funding", "deprecated", "license", "author", "homepage", "bugs", "repository")
    yield from in_json(text, lambda path: not (path[:1] == ("packages",) and path[2:3] and path[2] in information))
    # npm treats `user/repository` as a repository on GitHub, except in an entry that is a link to a folder.
    for entry in objects(json.loads(text)):
        for value in (str(entry.get(key, "")) for key in ("resolved", "version")):
            named = "/" in value and not value.startswith(("npm:", "file:")) and entry.get("link") is not True
            if named and not ADDRESS.search(value):
                yield line_of(text, text.find(json.dumps(value)[1:-1])), value


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield each object in parsed JSON. If an object has a key twice, its last value is used, as in npm."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(each)


def in_package_json(text: str) -> Iterator[tuple[int, str]]:
    """Read a package.json file, and yield the addresses from which an installer takes packages."""
    keys = re.compile(
        r".*(?:dependencies|overrides)|resolutions|pnpm|packageManager|workspaces|catalogs?", re.IGNORECASE
    )
    return in_json(text, lambda path: bool(keys.fullmatch(path[0] if path else "")))


def in_composer(text: str) -> Iterator[tuple[int, str]]:
    """Read Composer's lock file or configuration, and yield the addresses from which Composer takes packages."""
    places = (("source",), ("dist",))
    return in_json(
        text,
        lambda path: (
            path[:1] in (("repositories",), ("config",))
            or (path[:1] in (("packages",), ("packages-dev",)) and path[1:2] in places)
        ),
    )


def in_pnpm_lock(text: str) -> Iterator[tuple[int, str]]:
    """Yield the addresses in a lock file of pnpm, except in the text about a deprecated package."""
    fetches = re.compile(r"tarball|repo|registry|url", re.IGNORECASE)
    kept = [
        "" if re.match(r"\s*deprecated: ", line) and not fetches.search(line) else line for line in text.split("\n")
    ]
    return addresses("\n".join(kept))


KINDS: tuple[tuple[str, tuple[str, ...], Callable[[str], Iterator[tuple[int, str]]]], ...] = (
    ("python", REQUIREMENTS, in_requirements),
    ("python", ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "pylock.*.toml", "Pipfile.lock"), in_toml_lock),
    ("python", ("pyproject.toml", "uv.toml", "Pipfile", "poetry.toml", "pdm.toml"), in_toml),
    ("python", ("pip.conf", "pip.ini", ".pypirc", ".pydistutils.cfg"), in_configuration),
    ("node", ("package-lock.json", "npm-shrinkwrap.json", ".package-lock.json"), in_npm_lock),
    ("node", ("package.json",), in_package_json),
    ("node", ("yarn.lock",), addresses),
    ("node", ("pnpm-lock.yaml",), in_pnpm_lock),
    (
        "node",
        (".npmrc", "npmrc", ".pnpmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml"),
        in_configuration,
    ),
    ("node", (".corepack.env",), in_configuration),
    ("php", ("composer.lock", "composer.json"), in_composer),
    ("ruby", ("Gemfile.lock", "gems.locked", "Gemfile", "gems.rb"), in_configuration),
    ("rust", ("Cargo.lock",), in_toml_lock),
    ("rust", ("Cargo.toml",), in_toml),
    ("go", ("go.env", "*Dockerfile*", "*Containerfile*"), in_variables),
)


def kinds_of(path: str) -> list[tuple[str, Callable[[str], Iterator[tuple[int, str]]]]]:
    """Return the languages whose installers read the file `path`.

    Each language comes with the function that finds the addresses in the text of the file.
    """
    folder, name = os.path.basename(os.path.dirname(path)), os.path.basename(path)
    kinds = [(language, read) for language, names, read in KINDS for each in names if fnmatch.fnmatchcase(name, each)]
    if not kinds and name.endswith(".txt") and folder == "requirements":
        kinds = [("python", in_requirements)]
    if folder == ".cargo" and name in ("config", "config.toml"):
        kinds = [("rust", in_configuration)]
    if folder == "pip" and name.endswith(".conf"):
        kinds = [("python", in_configuration)]
    return kinds


def problems_in(root: str, service: str, hosts: tuple[str, ...]) -> Iterator[str]:
    """Read the files below the folder `root`, and yield a line for each address that is not on an allowed host."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted([*folders, *names]):
            full = os.path.join(folder, name)
            path = os.path.relpath(full, root)
            if name in FOLDERS and os.path.islink(full) and not os.path.isfile(full):
                yield f"{path!a} is a link, so no check reads the files in it; replace the link by a folder"
            for language, read in kinds_of(path) if name in names else ():
                yield from problems_of(full, path, read, service, hosts or PUBLIC[language])


def problems_of(
    full: str, path: str, read: Callable[[str], Iterator[tuple[int, str]]], service: str, hosts: tuple[str, ...]
) -> Iterator[str]:
    """Read a file, and yield a line for each address that is not on one of the hosts."""
    try:
        with open(full, encoding="utf-8", newline="") as file:
            text = file.read().replace("\r\n", "\n")
        places = list(dict.fromkeys(read(text)))
    except (OSError, ValueError, RecursionError) as error:
        yield f"{path!a} cannot be read, so its package indexes are unknown: {type(error).__name__}"
        return
    for number, line in unread_inclusions(text, path) if read is in_requirements else ():
        yield f"{path!a}:{number}: {line[:100]!a} includes a file that no check reads; {INCLUDE}"
    for manager in unpinned_managers(text) if read is in_package_json else ():
        number = line_of(text, text.find(json.dumps(manager, ensure_ascii=False)[1:-1]))
        yield f"{path!a}:{number}: {manager[:100]!a} lets an installer download a program without a hash; {HASH}"
    for number, address in places:
        if not is_allowed(address, hosts):
            host = re.fullmatch(r"(?:[a-z]+\+)?https://([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:/.*)?", address)
            listed = json.dumps(sorted({each.partition("/")[0] for each in hosts} | ({host[1]} if host else set())))
            way = f"set indexes = {listed}" if host else "write its address with https, and without a user name or port"
            yield (
                f"{path!a}:{number}: `indexes` of [services.{service}.build] does not allow {address[:100]!a}; {way}"
            )


def main() -> None:
    """Print the addresses that are not allowed, and exit with 1 if there are any."""
    root, service, *hosts = sys.argv[1:]
    lines = list(problems_in(root, service, tuple(hosts)))
    if lines:
        more = [f"{len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
        sys.exit("\n".join([*lines[:SHOWN], *more]))


main()
