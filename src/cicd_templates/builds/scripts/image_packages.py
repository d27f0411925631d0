"""Lists the packages in an image, and refuses Python packages that no check judged. It never runs the image.

`image_packages.py list FILE` reads the tar of `docker export` from standard input and writes a CycloneDX bill of
materials to FILE. `image_packages.py judge IMAGE SOURCE BASE...` compares such files: a Python package of IMAGE must be
in a BASE image, or be pinned in a requirements file below the folder SOURCE, which the checks of dependencies read.

It needs Python 3.8 and nothing else, because it runs where Docker does.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tarfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

MOST_BYTES = 64_000_000
SHOWN = 20
PYTHON = re.compile(r"(?:^|/)([^/]+?)(?:-([^/-]+)(?:-py[\d.]+)?)?\.(?:dist-info/METADATA|egg-info/PKG-INFO|egg-info)$")
FOLDER = re.compile(r"(?:^|/)([^/]+)-([^/-]+)\.dist-info/")
NODE = re.compile(r"(?:^|/)node_modules/((?:@[^/]+/)?[^/]+)/package\.json$")
JAR = re.compile(r"(?:^|/)([^/]+?)(?:-(\d[^/]*))?\.[jwe]ar$")
GEM = re.compile(r"/specifications/(?:default/)?([^/]+)-(\d[^/-]*)\.gemspec$")
DPKG = re.compile(r"^var/lib/dpkg/status(\.d/[^/]+)?$")
APK = re.compile(r"^lib/apk/db/installed$")
RPM = re.compile(r"^(?:var|usr)/lib/(?:sysimage/)?rpm/(?:Packages|Packages\.db|rpmdb\.sqlite)$")
# A package that was installed from a folder, as installers note it beside the metadata.
LOCAL = re.compile(r"(?:^|/)([^/]+)-([^/-]+)\.dist-info/direct_url\.json$")
# The same as for scanners in dependencies.py: only what they judge is known.
PINNED = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[A-Za-z0-9._, -]*\])? *== *([A-Za-z0-9.!+_-]+) *(?:;([^@]*?))?( +--hash=\S+)*"
)
OTHER_SYSTEM = re.compile(
    r"\s*(sys_platform|platform_system|os_name)\s*==\s*([\"'])(win32|cygwin|darwin|Windows|Darwin|nt)\2\s*"
)
OWN_NAME = re.compile(r"""^\s*name\s*=\s*["']?([A-Za-z0-9._-]+)""", re.MULTILINE)

if TYPE_CHECKING:
    Reader = Callable[[re.Match[str], str], Iterator[tuple[str, str, str]]]


def normalised(name: str) -> str:
    """Return a Python package's name in the form that all spellings share."""
    return re.sub(r"[-_.]+", "-", name).lower()


def same(version: str) -> str:
    """Return a version in a form that its spellings share, such as 1.0, 1.00 and 1."""
    parts = [part.lstrip("0") or "0" if part.isdigit() else part.lower() for part in re.split(r"[.+_-]", version)]
    while len(parts) > 1 and parts[-1] == "0":
        parts.pop()
    return ".".join(parts)


def fields(text: str) -> Iterator[dict[str, str]]:
    """Yield the paragraphs of `Name: value` lines, as dpkg, apk and Python's metadata have them."""
    for paragraph in re.split(r"\n\s*\n", text):
        lines = [line.partition(":") for line in paragraph.split("\n")]
        yield {key: value.strip() for key, colon, value in lines if colon}


def read_python(found: re.Match[str], text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the package of a METADATA, PKG-INFO or egg-info file."""
    about = next(fields(text))
    yield "pypi", about.get("Name") or found[1], about.get("Version") or found[2] or ""


def read_local(found: re.Match[str], text: str) -> Iterator[tuple[str, str, str]]:
    """Yield a package that was installed from a folder, as a kind of its own."""
    if '"file://' in text:
        yield "local", found[1], found[2]


def read_node(found: re.Match[str], text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the package of a package.json file."""
    try:
        about = json.loads(text)
    except (ValueError, RecursionError):
        about = {}
    about = about if isinstance(about, dict) else {}
    yield "npm", str(about.get("name") or found[1]), str(about.get("version") or "")


def read_dpkg(found: re.Match[str], text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the packages of a dpkg database."""
    for about in fields(text):
        if about.get("Package") and "not-installed" not in about.get("Status", ""):
            yield "deb", about["Package"], about.get("Version", "")


def read_apk(found: re.Match[str], text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the packages of an apk database."""
    for about in fields(text):
        if about.get("P"):
            yield "apk", about["P"], about.get("V", "")


def named(kind: str) -> Reader:
    """Return a reader of a package whose file name has its name and version."""
    return lambda found, text: iter([(kind, found[1], found[2] or "")])


# By pattern of a path, the reader of the file, and whether it reads the file's content.
READERS: list[tuple[re.Pattern[str], Reader, bool]] = [
    (PYTHON, read_python, True),
    (NODE, read_node, True),
    (LOCAL, read_local, True),
    (DPKG, read_dpkg, True),
    (APK, read_apk, True),
    (JAR, named("maven"), False),
    (GEM, named("gem"), False),
    (RPM, lambda found, text: iter([("rpm", "rpm-database", "its packages are not listed")]), False),
]


def components(stream: tarfile.TarFile) -> Iterator[dict[str, object]]:
    """Yield a component for each package; a package whose file cannot be read has the name of its folder."""
    for member in stream:
        path = re.sub(r"^(\./)+", "", member.name)
        # A link or a missing METADATA hides no package.
        if folder := FOLDER.search(path):
            yield component("pypi", folder[1], folder[2], path[: folder.end()])
        for pattern, reader, reads in READERS:
            if (found := pattern.search(path)) and not member.isdir():
                text = content(stream, member) if reads and member.isfile() else ""
                for kind, name, version in reader(found, text):
                    yield component(kind, name, version, path.replace("METADATA", ""))


def content(stream: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    """Return the text of a file that describes packages."""
    if member.size > MOST_BYTES:
        sys.exit(f"{member.name!a} has {member.size} bytes, which no description of packages has")
    file = stream.extractfile(member)
    return file.read().decode("utf-8", "replace") if file else ""


def component(kind: str, name: str, version: str, path: str) -> dict[str, object]:
    """Return a component of CycloneDX with the place where it was found."""
    found = {"type": "library", "name": name[:200], "version": version[:200], "purl": f"pkg:{kind}/{name}@{version}"}
    return {**found, "properties": [{"name": "path", "value": path}]}


def list_packages(target: str) -> None:
    """Write the bill of materials of the image whose files come from standard input."""
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as stream:
        unique = {json.dumps(each, sort_keys=True): each for each in components(stream)}
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": list(unique.values())}
    with open(target, "w") as file:
        json.dump(bill, file, indent=1)
    print(f"listed {len(unique)} packages in {target}")


def python_packages(path: str, kind: str = "pypi") -> dict[tuple[str, str], str]:
    """Return the Python packages of a bill of materials: the place of each, by name and version."""
    with open(path) as file:
        bill = json.load(file)
    places = [(each, each["properties"][0]["value"]) for each in bill["components"] if f"pkg:{kind}/" in each["purl"]]
    return {(normalised(each["name"]), same(each["version"])): at for each, at in places}


def pins_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield the packages that a requirements file pins, as a scanner judges them."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        pinned = PINNED.fullmatch(re.sub(r"(^|\s)#.*", "", line).strip())
        if pinned and not for_another_system(pinned[3] or ""):
            yield normalised(pinned[1]), same(pinned[2])


def for_another_system(marker: str) -> bool:
    """Return whether a marker is false on every Linux, so that no scanner judges its package."""
    plain = not re.search(r"\bor\b|[()]", marker)
    return plain and any(OTHER_SYSTEM.fullmatch(part) for part in re.split(r"\band\b", marker))


def pinned_in(source: str) -> tuple[set[tuple[str, str]], set[str]]:
    """Return the packages that requirements files pin, and the names that the source gives to itself."""
    pins: set[tuple[str, str]] = set()
    own: set[str] = set()
    for folder, _, names in os.walk(source):
        for name in names:
            path = os.path.join(folder, name)
            listed = name.endswith(".txt") and ("requirements" in name or os.path.basename(folder) == "requirements")
            if os.path.islink(path) or not (listed or name in ("pyproject.toml", "setup.cfg")):
                continue
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
            if listed:
                pins.update(pins_of(text))
            elif folder == source:
                own |= {normalised(each) for each in OWN_NAME.findall(text)[:1]}
    return pins, own


def judge(image: str, source: str, bases: list[str]) -> None:
    """Exit 1 if the image has a Python package that neither a base image nor a requirements file has."""
    pins, own = pinned_in(source)
    known = set().union(*(python_packages(base) for base in bases)) | pins
    found = python_packages(image)
    # The source gives itself any name, so only a package that was installed from a folder can be the source's own.
    known |= {each for each in python_packages(image, "local") if each[0] in own}
    strange = sorted(each for each in found if each not in known)
    if strange:
        lines = [f"error: {name!a} {version!a} in {found[name, version][:200]!a}" for name, version in strange[:SHOWN]]
        lines.append(
            f"error: the image has {len(strange)} Python packages that neither its base image has nor a requirements"
            " file pins, so no check judged them"
        )
        sys.exit("\n".join(lines))
    print(f"all {len(found)} Python packages of the image are in its base image or pinned")


verb, first, *rest = sys.argv[1:]
list_packages(first) if verb == "list" else judge(first, rest[0], rest[1:])
