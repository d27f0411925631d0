"""Finds the settings of a package.json file that let an installer download package managers or runtimes without a hash.

Corepack downloads the program in `packageManager`. pnpm also downloads the programs in `devEngines` and
`pnpm.executionEnv`. The module must run on Python 3.8, because it runs in the build environment that has Docker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

# A package manager with its version and a hash: https://github.com/nodejs/corepack#readme
HASHES = "|".join(f"sha{bits}\\.[0-9a-f]{{{bits // 4}}}" for bits in (224, 256, 384, 512))
HASHED_MANAGER = re.compile(rf"(?:npm|pnpm|yarn)@[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?\+(?:{HASHES})")
# The values of `onFail` in `devEngines` with which nothing is downloaded. What happens without a value depends on the
# package manager.
STAYS = ("error", "warn", "ignore")


def unpinned_managers(text: str) -> Iterator[str]:
    """Yield each package manager or runtime that an installer would download without a hash.

    `text` is the content of a package.json file.
    """
    for path, value in settings(json.loads(text, object_pairs_hook=lambda pairs: pairs)):
        if _downloads(path, value):
            yield value if isinstance(value, str) and value else path[-1]


def _downloads(path: tuple[str, ...], value: Any) -> bool:
    """Return whether `value`, found at `path` in package.json, can make a tool download a program without a hash."""
    if path == ("packageManager",):
        return not (isinstance(value, str) and HASHED_MANAGER.fullmatch(value))
    if path == ("devEngines", "packageManager"):
        entries = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
        return any(("onFail",) not in [key for key, _ in settings(entry)] for entry in entries)
    if path[:1] == ("devEngines",) and path[-1] == "onFail":
        return value not in STAYS
    return path == ("pnpm", "executionEnv", "nodeVersion")


def settings(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield `(keys, value)` for each value in parsed JSON. `keys` is the path of keys that leads to the value.

    The JSON was parsed in such a way that each object is a list of pairs.
    """
    for item in value if isinstance(value, list) else ():
        if isinstance(item, tuple):
            yield (*path, item[0]), item[1]
            yield from settings(item[1], (*path, item[0]))
        else:
            yield from settings(item, path)
