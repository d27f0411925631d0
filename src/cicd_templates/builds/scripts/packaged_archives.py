"""Print a JSON list of the archives in a folder from which Python packages can come: `packaged_archives.py FOLDER`.

- A zip file is listed if Python could import from it. The name of the file does not matter: Python can import from
  every file whose content ends like a zip file.
- A tar archive, such as a source distribution, is listed if it contains the metadata of a package.
"""

import json
import lzma
import mmap
import os
import re
import sys
import tarfile
import zlib
from collections.abc import Iterator

from cicd_templates.builds.scripts.zip_directory import zipped_names

# An archive with one of these suffixes always counts as an archive with packages.
ARCHIVES = (".whl", ".egg", ".pyz", ".pex")
IMPORTABLE = (".py", ".pyc", ".so", ".pyd")
METADATA = re.compile(r"(?:^|/)(?:PKG-INFO|[^/]+\.(?:dist|egg)-info)(?:/|$)", re.IGNORECASE)
MOST_MEMBERS = 20_000


def names_in_zip(path: str) -> Iterator[str]:
    """Yield the names of all entries of a zip file, or nothing if Python would not read the file as a zip file."""
    if os.path.getsize(path) < 22:
        return
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for name in zipped_names(data):
            yield name.decode("latin-1")


def names_in_tar(path: str) -> Iterator[str]:
    """Yield the names of all entries in a tar archive, compressed or not.

    For each entry after the first `MOST_MEMBERS` entries, yield `PKG-INFO`. This name is typical of packages, so an
    archive with too many entries counts as a package.
    """
    try:
        with tarfile.open(path) as archive:
            for number, member in enumerate(archive):
                yield member.name if number < MOST_MEMBERS else "PKG-INFO"
    # A damaged archive can still be unpacked up to the damaged part.
    except (tarfile.TarError, EOFError, ValueError, OSError, zlib.error, lzma.LZMAError):
        return


def has_packages(path: str) -> bool:
    """Return True if Python can import packages from the file, or if the file contains the metadata of a package."""
    if path.lower().endswith(ARCHIVES):
        return True
    zipped = (name.lower().endswith(IMPORTABLE) or METADATA.search(name) for name in names_in_zip(path))
    return any(zipped) or any(METADATA.search(name) for name in names_in_tar(path))


def main() -> None:
    """Print the paths of the archives below the source, sorted."""
    (source,) = sys.argv[1:]
    paths = [os.path.join(folder, name) for folder, _, names in os.walk(source) for name in names]
    packaged = [path for path in paths if not os.path.islink(path) and has_packages(path)]
    print(json.dumps(sorted(os.path.relpath(path, source) for path in packaged)))


main()
