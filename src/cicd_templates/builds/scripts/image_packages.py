"""List the packages of an image and the code that Python could import, without running the image.

`image_packages.py FILE [--lists-of OTHER...]` reads the tar archive of `docker export` from standard input, and writes
these files:

- FILE is a CycloneDX bill of materials.
- FILE.lists has the digests of the RECORD files of Python packages, and of the file lists of dpkg and apk.
- FILE.code has the digests of package databases, and of code that is in no RECORD file.

Each OTHER is a bill of materials that the script wrote for another image. With `--lists-of`, the script ignores each
RECORD file and file list that none of these other images has.

The script must run on Python 3.8, because it runs in the build environment that has Docker.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import sys
import tarfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from cicd_templates.builds.scripts.zip_directory import end_of_directory, zipped_names

MOST_BYTES = 64_000_000
# The metadata of a Python package, as `importlib.metadata` finds it: a folder, a file in the folder, or a single file.
FOLDER = re.compile(r"(?:^|/)([^/]+?)(?:-([^/-]+)(?:-py[\d.]+)?)?\.(?:dist|egg)-info(?=/|$)", re.IGNORECASE)
PYTHON = re.compile(FOLDER.pattern + r"(?:/(?:METADATA|PKG-INFO))?$", re.IGNORECASE)
EGG = re.compile(r"(?:^|/)([^/]+?)(?:-([^/-]+)[^/]*)?(?:\.egg)?/EGG-INFO/PKG-INFO$")
RECORD = re.compile(r"(?:^|(.*)/)([^/]+\.dist-info)/RECORD$", re.IGNORECASE)
RECORDED = re.compile(r'^"?([^"\n]+?)"?,sha256=([\w-]+),', re.MULTILINE)
# A module that Python has compiled, and the flags in it that say how Python detects a change of its source: by time or
# by digest.
COMPILED = re.compile(r"^(?:(.*)/)?__pycache__/([^/]+?)\.(?:cpython|pypy|graalpy)[\w-]*(?:\.opt-\w+)?\.pyc$")
COMPARED_WITH_SOURCE = (b"\0\0\0\0", b"\3\0\0\0")
# A file that Python imports or runs.
CODE = re.compile(r"\.(?:py|pyc|so|pth)$", re.IGNORECASE)
# The folders from which Python imports packages, and its own library.
SITE = re.compile(r"(?:^|/)(?:site-packages|dist-packages|lib(?:32|64)?/(?:python3|pypy)[\w.]*)/")
# The parent folders of these folders. If one of them is a link, everything that Python imports from it changes.
ABOVE_SITE = re.compile(r"^(?:usr|usr/local|(?:usr/|usr/local/)?lib(?:32|64)?)$")
# The list of the files of a Debian package.
DPKG_FILES = re.compile(r"^var/lib/dpkg/info/[^/]+\.list$")
NODE = re.compile(r"(?:^|/)node_modules/((?:@[^/]+/)?[^/]+)/package\.json$")
JAR = re.compile(r"(?:^|/)([^/]+?)(?:-(\d[^/]*))?\.[jwe]ar$")
GEM = re.compile(r"/specifications/(?:default/)?([^/]+)-(\d[^/-]*)\.gemspec$")
DPKG = re.compile(r"^var/lib/dpkg/status(\.d/[^/]+)?$")
APK = re.compile(r"^(?:usr/)?lib/apk/db/installed$")
# Files from which the registry's scan learns the system of an image, in addition to the package databases.
RELEASE = re.compile(r"^(?:usr/lib|etc)/(?:os-release|lsb-release|[a-z]+[-_](?:release|version))$")
RPM = re.compile(r"^(?:var|usr)/lib/(?:sysimage/)?rpm/(?:Packages|Packages\.db|rpmdb\.sqlite)$")
DATABASES = (DPKG, APK, RPM, RELEASE)
# The file in which installers record that a package was installed from a folder.
LOCAL = re.compile(r"(?:^|/)([^/]+)-([^/-]+)\.dist-info/direct_url\.json$")
if TYPE_CHECKING:
    Reader = Callable[[re.Match[str], str], Iterator[tuple[str, str, str]]]


def fields(text: str) -> Iterator[dict[str, str]]:
    """Yield each paragraph of `Name: value` lines as a dict. dpkg, apk and Python's metadata use this format."""
    for paragraph in re.split(r"\n\s*\n", text):
        lines = [line.partition(":") for line in paragraph.split("\n")]
        yield {key: value.strip() for key, colon, value in lines if colon}


def read_python(found: re.Match[str], text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the package that a METADATA, PKG-INFO or egg-info file describes."""
    about = next(fields(text.replace("\r\n", "\n")))
    yield "pypi", about.get("Name") or found[1], about.get("Version") or found[2] or ""


def read_local(found: re.Match[str], text: str) -> Iterator[tuple[str, str, str]]:
    """If a direct_url.json file says that its package was installed from a folder, yield the package as `local`."""
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
    """Return a reader that takes the name and the version of a package from the name of its file."""
    return lambda found, text: iter([(kind, found[1], found[2] or "")])


# For each pattern of a path: the reader of the file, and whether it needs the content of the file.
READERS: list[tuple[re.Pattern[str], Reader, bool]] = [
    (PYTHON, read_python, True),
    (EGG, read_python, True),
    (NODE, read_node, True),
    (LOCAL, read_local, True),
    (DPKG, read_dpkg, True),
    (APK, read_apk, True),
    (JAR, named("maven"), False),
    (GEM, named("gem"), False),
    (RPM, lambda found, text: iter([("rpm", "rpm-database", "its packages are not listed")]), False),
]


class Image:
    """Collects the packages of an image and the files that Python could import, file by file.

    - `code` maps the path of each file with code to its digest.
    - `archives` contains the paths of archives that Python can import from.
    - `compiled` maps the path of each compiled module to the path of its source.
    - `records` maps the folder of each RECORD file to the digests in this file. The digests are keyed by path.
    - `lists` contains the digest of each RECORD file, and of each file list of dpkg or apk.
    - `trusted` contains the digests of the RECORD files and file lists that may be used, or is None if all may be used.
    - `sites` are the folders that contain packages.
    - `bare` maps each package folder whose name has no version to the name of the package.
    - `described` contains the package folders that have a metadata file.
    - `databases` maps paths to digests. It has the files that tell a scan which operating system and which system
      packages the image has.
    """

    def __init__(self) -> None:
        self.packages: list[dict[str, Any]] = []
        self.code: dict[str, str] = {}
        self.archives: set[str] = set()
        self.compiled: dict[str, str] = {}
        self.records: dict[str, dict[str, str]] = {}
        self.lists: set[str] = set()
        self.trusted: set[str] | None = None
        self.local: set[str] = set()
        self.bare: dict[str, str] = {}
        self.described: set[str] = set()
        self.sites: set[str] = set()
        self.of_system: set[str] = set()
        self.databases: dict[str, str] = {}

    def take(self, stream: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        """Add the packages and the code of a file, a folder or a link."""
        path = re.sub(r"^(\./)+", "", member.name)
        digest, data = read(stream, path, member)
        # A folder counts as a package even if it is a link or has no METADATA.
        if folder := FOLDER.search(path):
            self.sites.add(path[: folder.start()])
            self.described.update([path[: folder.end()]] if PYTHON.search(path) and not member.isdir() else [])
            if folder[2]:
                self.packages.append(component("pypi", folder[1], folder[2], path[: folder.end()]))
            else:
                self.bare[path[: folder.end()]] = folder[1]
        for pattern, reader, reads in READERS:
            if (found := pattern.search(path)) and not member.isdir():
                text = data.decode("utf-8", "replace") if reads else ""
                for kind, name, version in reader(found, text):
                    self.packages.append(component(kind, name, version, re.sub("/METADATA$", "", path)))
                    if kind == "local":
                        self.local.add(os.path.dirname(path))
        if not member.isdir():
            self.take_code(path, digest, data)
            self.databases.update({path: digest} if any(each.search(path) for each in DATABASES) else {})

    def take_code(self, path: str, digest: str, data: bytes) -> None:
        """Collect the file at `path` if Python could import it. Read the file if it lists the files of a package."""
        if is_archive_of_code(data):
            self.archives.add(path)
            self.code[path] = digest
        elif CODE.search(path) or digest.startswith("->"):
            self.code[path] = digest
        compiled = COMPILED.search(path)
        if compiled and data[4:8] in COMPARED_WITH_SOURCE:
            self.compiled[path] = os.path.join(compiled[1] or "", f"{compiled[2]}.py")
        if RECORD.search(path) or APK.search(path) or DPKG_FILES.search(path):
            self.lists.add(digest)
            if self.trusted is not None and digest not in self.trusted:
                return
        if record := RECORD.search(path):
            listed = RECORDED.findall(data.decode("utf-8", "replace"))
            root = record[1] or ""
            places = {os.path.normpath(os.path.join(root, at)): of for at, of in listed}
            # The modules of a package are beside its record. Files in other places, such as programs, are not imported.
            beside = {at: of for at, of in places.items() if not root or at.startswith(f"{root}/")}
            self.records[os.path.dirname(path)] = beside
        if APK.search(path):
            folder = ""
            for key, _, value in (line.partition(":") for line in data.decode("utf-8", "replace").split("\n")):
                folder = value if key == "F" else folder
                self.of_system.update([folder, f"{folder}/{value}"] if key == "R" else [])
        if DPKG_FILES.search(path):
            self.of_system.update(line.lstrip("/") for line in data.decode("utf-8", "replace").split("\n"))

    def mark_if_of_system(self, package: dict[str, Any]) -> None:
        """Add the property `of-system` to `package` if its metadata file is part of a Debian or Alpine package."""
        if package["properties"][0]["value"] in self.of_system:
            package["properties"].append({"name": "of-system", "value": "true"})

    def unrecorded(self) -> dict[str, dict[str, str]]:
        """Return the digests of the image's files, keyed by the kind of the file and its path:

        - `databases`: package databases
        - `archives`: archives from which Python can import
        - `system`: code in folders of Python packages that belongs to a package of the operating system
        - `code`: other code in folders of Python packages
        - `elsewhere`: code in other folders

        Code and archives are left out if the RECORD file of a Python package lists them. If a package was installed
        from a folder, its RECORD file is ignored, because code in the folder can write anything into the RECORD file.
        """
        records = [listed for folder, listed in self.records.items() if folder not in self.local]
        known = {each for listed in records for each in listed.items()}
        beside_source = {at for at, source in self.compiled.items() if source in self.code}
        left = {at: of for at, of in self.code.items() if (at, of) not in known and at not in beside_source}
        in_site = {at: of for at, of in left.items() if at not in self.archives and self.is_in_site(at)}
        return {
            "code": {at: of for at, of in in_site.items() if at not in self.of_system},
            "system": {at: of for at, of in in_site.items() if at in self.of_system},
            "archives": {at: of for at, of in left.items() if at in self.archives},
            "databases": self.databases,
            "elsewhere": {at: of for at, of in left.items() if at not in in_site and at not in self.archives},
        }

    def is_in_site(self, path: str) -> bool:
        """Return whether a file is in a folder that contains packages, or in the library of Python."""
        parts = path.split("/")[:-1]
        is_link = self.code[path].startswith("->")
        if is_link and (SITE.search(f"{path}/") or ABOVE_SITE.search(path)):
            return True
        return bool(SITE.search(path)) or any(
            "/".join(parts[:number]) in self.sites for number in range(len(parts) + 1)
        )


def read(stream: tarfile.TarFile, path: str, member: tarfile.TarInfo) -> tuple[str, bytes]:
    """Return the SHA-256 digest of a file, encoded as in RECORD files, and the last bytes of the file.

    For a link, return a text such as `-> target` and empty bytes.

    Exit if a file that describes packages is too large.
    """
    file = stream.extractfile(member) if member.isfile() else None
    if not file:
        return f"-> {member.linkname}", b""
    if member.size > MOST_BYTES and any(pattern.search(path) for pattern, _, reads in READERS if reads):
        sys.exit(f"{path!a} describes packages, but is too large to read: {member.size} bytes")
    digest, data = hashlib.sha256(), b""
    for chunk in iter(lambda: file.read(MOST_BYTES), b""):
        digest.update(chunk)
        data = (data + chunk)[-MOST_BYTES:]
    return base64.urlsafe_b64encode(digest.digest()).decode().rstrip("="), data


def is_archive_of_code(data: bytes) -> bool:
    """Return whether a file is an archive from which Python can import. `data` contains the last bytes of the file."""
    end = end_of_directory(data)
    # The directory may be longer than the part of the file that was read.
    cut = end >= 0 and int.from_bytes(data[end + 12 : end + 16], "little") > len(data)
    return cut or any(name.lower().endswith((b".py", b".pyc")) for name in zipped_names(data))


def component(kind: str, name: str, version: str, path: str) -> dict[str, Any]:
    """Return a CycloneDX component. Its property `path` says where the package is."""
    found = {"type": "library", "name": name[:200], "version": version[:200], "purl": f"pkg:{kind}/{name}@{version}"}
    return {**found, "properties": [{"name": "path", "value": path}]}


def read_lists(paths: list[str]) -> set[str]:
    """Return the digests in the files `<path>.lists`, for each path in `paths`.

    Earlier runs of this script wrote these files for other images.
    """
    digests: set[str] = set()
    for path in paths:
        with open(f"{path}.lists") as file:
            digests.update(json.load(file))
    return digests


def list_packages(target: str, options: list[str]) -> None:
    """Read the exported files of an image from standard input, and write the image's bill of materials."""
    image = Image()
    image.trusted = read_lists(options[1:]) if options else None
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as stream:
        for member in stream:
            image.take(stream, member)
    bare = [component("pypi", name, "", at) for at, name in image.bare.items() if at not in image.described]
    for each in image.packages:
        image.mark_if_of_system(each)
    unique = {json.dumps(each, sort_keys=True): each for each in [*image.packages, *bare]}
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": list(unique.values())}
    with open(target, "w") as file:
        json.dump(bill, file, indent=1)
    with open(f"{target}.code", "w") as file:
        json.dump(image.unrecorded(), file)
    with open(f"{target}.lists", "w") as file:
        json.dump(sorted(image.lists), file)
    print(f"listed {len(unique)} packages in {target}")


list_packages(sys.argv[1], sys.argv[2:])
