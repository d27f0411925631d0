"""Waivers, which accept certain findings until a date, and an index that finds the waivers for a finding."""

from __future__ import annotations

import posixpath
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import unquote

from cicd_templates.functions.scan_gate.reading import Finding
from cicd_templates.functions.scan_gate.untrusted_text import one_line

_WAIVER_KEYS = ("id", "package", "path", "fingerprint", "reason", "owner", "expires")
# Only ASCII letters are converted to lower case. `str.lower` would convert the Kelvin sign to `k`.
_TO_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


@dataclass(frozen=True)
class Waiver:
    """An owner's acceptance of certain findings until the date `expires`.

    A waiver can have the fields `id`, `package`, `path` (a file or a folder) and `fingerprint`. If it has several of
    them, it matches a finding only if all of them match.
    """

    id: str
    reason: str
    owner: str
    expires: date
    package: str = ""
    path: str = ""
    fingerprint: str = ""


def read_waiver(value: Any, path: str, note: Callable[[str], None], also: tuple[str, ...] = ()) -> Waiver:
    """Return the waiver in `value`, a table of the policy. Call `note` with each problem of the table.

    `path` is the TOML path of the table. `also` lists further keys, besides those of a waiver, that the table may have.
    """
    if not isinstance(value, dict):
        note(f"{path}: is not a table")
        value = {}
    for key in value:
        if key not in _WAIVER_KEYS and key not in also:
            note(f"{path}.{key}: unknown key; the known keys are {', '.join(_WAIVER_KEYS)}")
    texts = {key: value.get(key, "") for key in _WAIVER_KEYS if key != "expires"}
    for key, text in texts.items():
        if not isinstance(text, str):
            note(f"{path}.{key}: is not a string")
        elif not one_line(text, 1) and (key in value or key in ("id", "reason", "owner")):
            note(f"{path}.{key}: missing; a waiver needs an id, a reason and an owner")
    if not value.get("package") and not value.get("path"):
        note(f"{path}: has neither a package nor a path; a waiver needs one of them")
    elif isinstance(texts["path"], str) and texts["path"] and _is_everything(texts["path"]):
        note(f"{path}.path: {texts['path']!r} is not a file or folder below the top of the repository")
    expires = value.get("expires")
    # In Python, a datetime is also a date, but it is not a valid expiry date.
    if type(expires) is not date:
        note(f"{path}.expires: is not a date; write the last day, such as 2027-01-31")
        expires = date.min
    return Waiver(expires=expires, **{key: str(text) for key, text in texts.items()})


class WaiverIndex:
    """The waivers of a policy, keyed by the id of the finding that each waiver accepts."""

    def __init__(self, waivers: Iterable[Waiver]) -> None:
        """Build an index of `waivers`."""
        self._by_id: dict[str, list[tuple[int, Waiver]]] = {}
        for number, waiver in enumerate(waivers):
            self._by_id.setdefault(waiver.id, []).append((number, waiver))
        self.used: set[int] = set()

    def matching(self, finding: Finding) -> list[Waiver]:
        """Return the waivers that match a finding, and add them to `used`. Expired waivers match, too."""
        named = dict(each for id_ in {finding.id, *finding.aliases} for each in self._by_id.get(id_, ()))
        matching = {number: waiver for number, waiver in sorted(named.items()) if _covers(waiver, finding)}
        self.used.update(matching)
        return list(matching.values())


def _covers(waiver: Waiver, finding: Finding) -> bool:
    return (
        (not waiver.package or ascii_lower(waiver.package) == ascii_lower(finding.package))
        and (not waiver.path or all(_is_inside(path, waiver.path) for path in (finding.file, unquote(finding.file))))
        and (not waiver.fingerprint or waiver.fingerprint.replace(":", "") == finding.fingerprint)
    )


def ascii_lower(text: str) -> str:
    """Return `text` with its ASCII letters in lower case. Other letters are not changed."""
    return text.translate(_TO_LOWER)


def written_fingerprint(fingerprint: str) -> str:
    """Return a fingerprint in groups of four digits, so that no secret scanner mistakes it for a secret."""
    digest, dash, repeat = fingerprint.partition("-")
    return ":".join(digest[start : start + 4] for start in range(0, len(digest), 4)) + dash + repeat


def _is_inside(path: str, folder: str) -> bool:
    """Return whether `path` is `folder` or inside it. Parts such as `..` and double slashes are resolved first."""
    return f"{_normal(path)}/".startswith(f"{_normal(folder)}/")


def _is_everything(path: str) -> bool:
    return _normal(path) in ("/", "//", ".") or _normal(path).split("/")[0] == ".."


def _normal(path: str) -> str:
    return posixpath.normpath(path) if path else ""
