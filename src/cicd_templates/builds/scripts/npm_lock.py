"""Copy the lock file of an npm project to a folder for `npm audit`: `npm_lock.py SOURCE FOLDER REGISTRY`.

`npm audit` judges packages by their names and versions in the lock file, but npm installs from the address in the key
`resolved`. The script prints a JSON list of everything that `npm audit` does not examine. Examples are packages from
addresses outside REGISTRY, further lock files, and projects without a lock file.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

LOCK = "package-lock.json"
UNREAD = (".npmrc", "bun.lock", "bun.lockb", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock")
# Another name could contain a path, with which npm would audit one package and install another.
NAME = re.compile(r"(?:@[a-z0-9~-][\w.~-]*/)?[A-Za-z0-9~_-][\w.~-]*", re.ASCII)
VERSION = re.compile(r"[0-9A-Za-z.+-]+", re.ASCII)
ROOT = ("name", "version", "dependencies", "devDependencies", "optionalDependencies", "peerDependencies")


def unjudged_packages(packages: dict[str, Any], registry: str) -> Iterator[str]:
    """Yield each package of the lock file that `npm audit` cannot judge.

    `npm audit` cannot judge these packages:

    - folders of the source
    - packages without a digest
    - packages whose name or version has an unusual form
    - packages from another registry than `registry`
    - packages whose address belongs to another package or version
    """
    for path, entry in packages.items():
        if not path:
            continue
        name = entry.get("name") or path.rpartition("node_modules/")[2]
        version = entry.get("version")
        plain = isinstance(name, str) and NAME.fullmatch(name) and VERSION.fullmatch(str(version))
        expected = f"{registry.rstrip('/')}/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
        if entry.get("link"):
            yield f"{path} (a folder of the source)"
        elif not plain or entry.get("resolved", expected) != expected or not entry.get("integrity"):
            # Without an address, npm fetches this version from the registry.
            yield f"{name} {version} from {entry.get('resolved', 'the registry, without a digest')}"


def unread_files(source: str) -> Iterator[str]:
    """Yield the files and folders, other than the lock file, from which npm could take packages."""
    for folder, folders, files in os.walk(source):
        place = os.path.relpath(folder, source)
        for name in sorted(files):
            path = os.path.normpath(os.path.join(place, name))
            elsewhere = place != "." and name in (LOCK, "package.json")
            if name in UNREAD or name.endswith(".tgz") or elsewhere:
                yield path
        if "node_modules" in folders:
            folders.remove("node_modules")
            yield os.path.normpath(os.path.join(place, "node_modules"))


source, target, registry = sys.argv[1:]
not_read = list(unread_files(source))
os.makedirs(target)
try:
    with open(os.path.join(source, LOCK), encoding="utf-8") as file:
        lock = json.load(file)
    packages = lock["packages"]
    not_read += unjudged_packages(packages, registry)
    root = packages.get("", {})
    for name, content in ((LOCK, lock), ("package.json", {key: root[key] for key in ROOT if key in root})):
        with open(os.path.join(target, name), "w", encoding="utf-8") as file:
            json.dump(content, file)
except OSError:
    not_read.append(f"{LOCK}, which is missing")
except (ValueError, KeyError, TypeError, AttributeError):
    not_read.append(f"{LOCK}, which is not a lock file of npm 7 or newer")
print(json.dumps(not_read))
