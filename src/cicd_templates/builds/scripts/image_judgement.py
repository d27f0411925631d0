"""Refuse an image that contains Python packages or code that no check has examined.

`image_judgement.py IMAGE SOURCE BASE... [--stages STAGE...]` compares lists that `image_packages.py` wrote:

- IMAGE is the list of the image that is judged.
- Each BASE is the list of a base image.
- Each STAGE is the list of a stage of the Dockerfile. The stage was built only up to the point where code of the source
  could run.
- SOURCE is a folder with the source of the image.

The script accepts a part of the image only in these cases:

- Python package: a base image has the package, or a requirements file in SOURCE pins the package.
- Importable file in a folder of Python packages: a base image or SOURCE has the same file, or the RECORD file of a
  package lists the file.
- Archive from which Python can import: a base image has the same archive, or the RECORD file of a package lists it.
- Importable file of a system package: a base image or a stage has the same file. The system package must be installed
  in the image, because the registry's scan does not see the packages of a stage.
- Databases of system packages, and files that name the operating system: one single base image or stage has exactly the
  same ones.

The script also examines the Python packages of each stage, because a later command could have removed their metadata
from the image. It does not examine the system packages of a stage.

The script must run on Python 3.8, because it runs in the build environment that has Docker.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator

from cicd_templates.builds.scripts.requirements_grammar import (
    PINNED,
    ambiguity,
    for_another_system,
    normalised,
    requirements,
)

SHOWN = 20
# The digest of an empty file, which many packages have.
EMPTY = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
OWN_NAME = re.compile(r"""^\s*name\s*=\s*["']?([A-Za-z0-9._-]+)""", re.MULTILINE)
OWN_VERSION = re.compile(r"""^\s*version\s*=\s*["']?([A-Za-z0-9.!+_-]+)""", re.MULTILINE)
# Each name at the beginning of a line in a requirements file.
NAMED = re.compile(r"^[ \t]*([A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE)


def normalised_version(version: str) -> str:
    """Return the normal form of a version. Equal versions have the same form: the form of 1.0 and of 1.00 is `1`."""
    dotted = version.lower().replace("_", "-").split(".")
    parts = [part.lstrip("0") or "0" if part.isdigit() else part for part in dotted]
    while len(parts) > 1 and parts[-1] == "0":
        parts.pop()
    return ".".join(parts)


def python_packages(path: str, kind: str = "pypi", without_system: bool = False) -> dict[tuple[str, str], str]:
    """Return the paths of the Python packages in a bill of materials, keyed by name and version."""
    with open(path) as file:
        bill = json.load(file)
    places = [(each, each["properties"][0]["value"]) for each in bill["components"] if f"pkg:{kind}/" in each["purl"]]
    places = [(each, at) for each, at in places if not (without_system and each["properties"][1:])]
    return {(normalised(each["name"]), normalised_version(each["version"])): at for each, at in places}


def pins_of(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the name and version of each package that a requirements file pins for Linux.

    If pip and the checks could read different packages in the file, yield nothing.
    """
    for line in () if ambiguity(data) else requirements(data):
        pinned = PINNED.fullmatch(line)
        if pinned and not for_another_system(pinned["marker"] or ""):
            yield normalised(pinned["name"]), normalised_version(pinned["version"])


class Source:
    """What a source contains: the pinned packages, the packages that it defines itself, and digests of its files."""

    def __init__(self, root: str) -> None:
        self.pins: set[tuple[str, str]] = set()
        self.own: set[tuple[str, str]] = set()
        self.digests: set[str] = set()
        named: set[str] = set()
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    continue
                with open(path, "rb") as file:
                    data = file.read()
                text = data.decode("utf-8", "replace")
                self.digests.add(sha256(data))
                if name.endswith(".txt") and ("requirements" in name or os.path.basename(folder) == "requirements"):
                    self.pins.update(pins_of(data))
                    named.update(normalised(each) for each in NAMED.findall(text))
                elif folder == root and name in ("pyproject.toml", "setup.cfg"):
                    self.own.update(own_package(text))
        # A package in the requirements of the source cannot be the source itself.
        self.own = {each for each in self.own if each[0] not in named}


def own_package(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and version that the source declares for itself.

    The version is empty if the source does not contain it, for example because a build computes it.
    """
    if name := OWN_NAME.search(text):
        version = OWN_VERSION.search(text)
        yield normalised(name[1]), normalised_version(version[1]) if version else ""


def judge(image: str, path: str, bases: list[str], stages: list[str] | None) -> None:
    """Exit with 1 if the image has Python packages or code that no check has examined.

    Packages and code of a base image are allowed. `path` is the folder of the source.

    `stages` are the stages of the Dockerfile, each built until code of the source could run. Their Python packages are
    also judged, because a package in the image may have lost its metadata.

    If the configuration allows installs without a lock file, `stages` is None. The files of system packages are then
    not judged.
    """
    source = Source(path)
    known = set().union(*(python_packages(base) for base in bases)) | source.pins
    found = python_packages(image)
    for stage in stages or ():
        found = {**python_packages(stage, without_system=True), **found}
    # The source can choose any name. So only a package that was installed from a folder can be the source's own
    # package.
    own = {each for each in python_packages(image, "local") if each in source.own or (each[0], "") in source.own}
    strange = sorted(each for each in found if each not in known | own)
    lines = [f"error: {name!a} {version!a} in {found[name, version][:200]!a}" for name, version in strange[:SHOWN]]
    if strange:
        lines.append(
            f"error: the image, or a stage of its Dockerfile, has {len(strange)} Python packages that no check has "
            f"examined; each package must be in a base image or pinned in a requirements file"
        )
    code = code_of(image, bases, stages, source.digests)
    if code:
        lines += [f"error: {each[:200]!a}" for each in code[:SHOWN]]
        lines.append(
            f"error: the image has {len(code)} importable Python files that no check has examined; each file must be "
            f"in a base image or in the RECORD file of a package"
        )
    lines += problems_of_system(image, bases, stages, source.digests) if stages is not None else []
    if lines:
        sys.exit("\n".join(lines))
    print(f"all {len(found)} Python packages of the image and its stages are pinned or are in a base image")


def code_of(image: str, bases: list[str], stages: list[str] | None, judged: set[str]) -> list[str]:
    """Return the paths of the image's code files and archives that no check has examined. Leave out these files:

    - files that a base image has at the same path
    - code in folders of Python packages, if its digest is in `judged`
    - code of system packages, if a stage of the Dockerfile has the same file at the same path

    If `stages` is None, leave out all code of system packages.
    """
    code, archives, system = (listed(image)[kind] for kind in ("code", "archives", "system"))
    in_bases = [merged(listed(base)) for base in bases]
    left = {**{at: digest for at, digest in code.items() if digest not in judged}, **archives}
    changed = {}
    if stages is not None:
        in_stages = [merged(listed(stage)) for stage in stages]
        changed = {at: digest for at, digest in system.items() if all(digest != each.get(at) for each in in_stages)}
    return sorted(at for at, digest in {**left, **changed}.items() if all(digest != each.get(at) for each in in_bases))


def problems_of_system(image: str, bases: list[str], stages: list[str], judged: set[str]) -> list[str]:
    """Return error messages about changes that could hide an image's system packages from the registry's scan.

    No other check examines system packages.
    """
    files = listed(image)
    others = [listed(other) for other in (*bases, *stages)]
    lines = []
    databases = files["databases"]
    if databases and all(databases != other["databases"] for other in others):
        near = min((other["databases"] for other in others), key=lambda other: len(other.items() ^ databases.items()))
        changed = sorted({at for at, _ in near.items() ^ databases.items()})
        lines.append(
            f"error: {changed[0]!a}: no base image and no stage of the Dockerfile has the same file as the image. The"
            " registry's scan reads the list of system packages from this file. If the Dockerfile changes the file,"
            " remove the change. If the image is from an earlier run, its base image may have newer packages now;"
            " release again"
        )
    in_bases = {digest for base in bases for kind in listed(base).values() for digest in kind.values()}
    of_stages = {digest for stage in stages for _, digest in listed(stage)["system"].items()}
    of_stages = {digest for digest in of_stages - in_bases - judged - {EMPTY} if not digest.startswith("->")}
    copied = sorted(at for kind in ("code", "elsewhere") for at, digest in files[kind].items() if digest in of_stages)
    lines += [f"error: {at[:200]!a}" for at in copied[:SHOWN]]
    if copied:
        lines.append(
            f"error: the image has {len(copied)} files that were copied from system packages of another stage. The"
            " registry's scan does not see these packages; install them in the last stage of the Dockerfile, or pin"
            " them in a requirements file"
        )
    return lines


def listed(image: str) -> dict[str, dict[str, str]]:
    """Return the digests of files in the image, keyed by the kind of the file and its path.

    `image_packages.py` writes these digests to the file `<image>.code`.
    """
    with open(f"{image}.code") as file:
        kinds: dict[str, dict[str, str]] = json.load(file)
    return kinds


def merged(kinds: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return the digest of every file, keyed by path. `kinds` groups the files by kind, such as `code`."""
    return {at: digest for files in kinds.values() for at, digest in files.items()}


def sha256(data: bytes) -> str:
    """Return the SHA-256 digest of a file, encoded as in the RECORD files of Python packages."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


has_stages = "--stages" in sys.argv
last = sys.argv.index("--stages") if has_stages else len(sys.argv)
judge(sys.argv[1], sys.argv[2], sys.argv[3:last], sys.argv[last + 1 :] if has_stages else None)
