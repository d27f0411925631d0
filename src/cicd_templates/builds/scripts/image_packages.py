"""List the packages in an image, and refuse Python packages that no check judged. The image is never run.

`image_packages.py list FILE` reads the tar archive of `docker export` from standard input and writes a CycloneDX bill
of materials to FILE. `image_packages.py judge IMAGE SOURCE BASE...` compares such bills. Every Python package of IMAGE
must be in a BASE image, or be pinned in a requirements file below the folder SOURCE. The checks of dependencies read
these requirements files.

The script needs only Python 3.8, because it runs in the build environment that has Docker.
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
    """Return a Python package's name in the form that all its spellings share."""
    return re.sub(r"[-_.]+", "-", name).lower()


def normalised_version(version: str) -> str:
    """Return a version in the form that all its spellings share: 1 for 1.0 and 1.00."""
    parts = [part.lstrip("0") or "0" if part.isdigit() else part.lower() for part in re.split(r"[.+_-]", version)]
    while len(parts) > 1 and parts[-1] == "0":
        parts.pop()
    return ".".join(parts)


def fields(text: str) -> Iterator[dict[str, str]]:
    """Yield each paragraph of `Name: value` lines as a dict. dpkg, apk and Python's metadata use this format."""
    for paragraph in re.split(r"\n\s*\n", text):
        lines = [line.partition(":") for line in paragraph.split("\n")]
        yield {key: value.strip() for key, colon, value in lines if colon}


def read_python(found: re.Match[str], text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the package that a METADATA, PKG-INFO or egg-info file describes."""
    about = next(fields(text))
    yield "pypi", about.get("Name") or found[1], about.get("Version") or found[2] or ""


def read_local(found: re.Match[str], text: str) -> Iterator[tuple[str, str, str]]:
    """Yield a package that was installed from a folder. It has the kind `local`."""
    if '"file://' in text:
        yield "local", found[1], found[2]


def read_node(found: re.Match[str], text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the package that a package.json file describes."""
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
    """Return a reader for files whose names contain the package's name and version."""
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
    """Yield a component for each package in the image.

    A `.dist-info` folder counts as a package even if its METADATA is missing or is a link.
    """
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
    """Return the text of a file that describes packages. Exit if the file is too large."""
    if member.size > MOST_BYTES:
        sys.exit(f"{member.name!a} has {member.size} bytes, which no description of packages has")
    file = stream.extractfile(member)
    return file.read().decode("utf-8", "replace") if file else ""


def component(kind: str, name: str, version: str, path: str) -> dict[str, object]:
    """Return a CycloneDX component. Its property `path` says where the package is."""
    found = {"type": "library", "name": name[:200], "version": version[:200], "purl": f"pkg:{kind}/{name}@{version}"}
    return {**found, "properties": [{"name": "path", "value": path}]}


def list_packages(target: str) -> None:
    """Write the bill of materials of the image whose exported files come from standard input."""
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as stream:
        unique = {json.dumps(each, sort_keys=True): each for each in components(stream)}
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": list(unique.values())}
    with open(target, "w") as file:
        json.dump(bill, file, indent=1)
    print(f"listed {len(unique)} packages in {target}")


def python_packages(path: str, kind: str = "pypi") -> dict[tuple[str, str], str]:
    """Return the paths of the Python packages in a bill of materials, keyed by name and version."""
    with open(path) as file:
        bill = json.load(file)
    places = [(each, each["properties"][0]["value"]) for each in bill["components"] if f"pkg:{kind}/" in each["purl"]]
    return {(normalised(each["name"]), normalised_version(each["version"])): at for each, at in places}


def pins_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and version of each package that a requirements file pins for Linux."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        pinned = PINNED.fullmatch(re.sub(r"(^|\s)#.*", "", line).strip())
        if pinned and not for_another_system(pinned[3] or ""):
            yield normalised(pinned[1]), normalised_version(pinned[2])


def for_another_system(marker: str) -> bool:
    """Return whether an environment marker is false on every Linux system. Scanners do not judge such a package."""
    plain = not re.search(r"\bor\b|[()]", marker)
    return plain and any(OTHER_SYSTEM.fullmatch(part) for part in re.split(r"\band\b", marker))


def pinned_in(source: str) -> tuple[set[tuple[str, str]], set[str]]:
    """Return the packages that requirements files pin, and the names that the source declares for itself."""
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
    """Exit with 1 if the image has a Python package that is neither in a base image nor pinned."""
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
