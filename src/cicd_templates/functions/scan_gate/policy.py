"""What the owner of an application accepts, as TOML in its repository. Without one, the safe defaults hold.

A waiver is the only way to accept a finding, and it ends. Nothing here can cover a report that is missing or broken.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cicd_templates.functions.scan_gate.severity import SCALE

# Its name in the application's repository, and in what each check hands on.
POLICY = "scan-policy.toml"
THRESHOLDS = SCALE[:4]
_KEYS = ("thresholds", "unknown", "unfixed", "promote", "waivers")
_WAIVER_KEYS = ("id", "package", "path", "fingerprint", "reason", "owner", "expires")


@dataclass
class Waiver:
    """One finding that somebody accepts until a day: by id, and by package, path (a folder or file) or fingerprint."""

    id: str
    reason: str
    owner: str
    expires: date
    package: str = ""
    path: str = ""
    fingerprint: str = ""


@dataclass
class Policy:
    """`thresholds` by check: the least severity that blocks, by default high; `unfixed` that of what has no fix.

    `unknown` is what a severity that no tool says counts as, and `promote` are ids that count as critical. With
    `problems` it cannot be meant as it is written, and fails the release.
    """

    thresholds: dict[str, str] = field(default_factory=dict)
    unknown: str = "high"
    unfixed: str = "low"
    promote: list[str] = field(default_factory=list)
    waivers: list[Waiver] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def agreed_policy(copies: Mapping[str, bytes | None], checks: Collection[str]) -> Policy:
    """The policy of which each check hands on the copy that its source has, taken before any of its commands ran.

    Where they differ, a check has changed its copy, and none of them counts.
    """
    if len(set(copies.values())) > 1:
        having = sorted(check for check, copy in copies.items() if copy is not None)
        return Policy(problems=[f"the copies that {', '.join(having)} hand on are not those of all checks"])
    content = next(iter(copies.values()), None)
    return Policy() if content is None else read_policy(content, checks)


def read_policy(content: bytes, checks: Collection[str]) -> Policy:
    """The policy in the TOML `content` for a service with `checks`, with all its problems."""
    try:
        raw = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        return Policy(problems=[f"not TOML: {error}"])
    policy = Policy()
    note = policy.problems.append
    _refuse_unknown(raw, _KEYS, "", note)
    policy.unknown = _severity(raw.get("unknown", policy.unknown), "unknown", note)
    policy.unfixed = _severity(raw.get("unfixed", policy.unfixed), "unfixed", note)
    thresholds = _table(raw.get("thresholds", {}), "thresholds", note)
    _refuse_unknown(thresholds, checks, "thresholds.", note)
    policy.thresholds = {check: _severity(word, f"thresholds.{check}", note) for check, word in thresholds.items()}
    promote = raw.get("promote", [])
    if isinstance(promote, list) and all(isinstance(each, str) for each in promote):
        policy.promote = promote
    else:
        note('promote: is no list of ids; write ["B602"]')
    waivers = raw.get("waivers", [])
    if isinstance(waivers, list):
        policy.waivers = [_waiver(each, f"waivers[{number}]", note) for number, each in enumerate(waivers)]
    else:
        note("waivers: is no list; write [[waivers]] tables")
    return policy


def _refuse_unknown(table: Mapping[str, Any], known: Collection[str], path: str, note: Any) -> None:
    for key in table:
        if key not in known:
            note(f"{path}{key}: unknown key; known are {', '.join(known)}")


def _table(value: Any, path: str, note: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    note(f"{path}: is a value; write a table")
    return {}


def _severity(word: Any, path: str, note: Any) -> str:
    if word in THRESHOLDS:
        return str(word)
    note(f"{path}: {word!r} is no severity; write {', '.join(THRESHOLDS)}")
    return "high"


def _waiver(value: Any, path: str, note: Any) -> Waiver:
    table = _table(value, path, note)
    _refuse_unknown(table, _WAIVER_KEYS, f"{path}.", note)
    found = {key: table.get(key, "") for key in _WAIVER_KEYS if key != "expires"}
    for key, each in found.items():
        if not isinstance(each, str):
            note(f"{path}.{key}: is no text")
        elif not each.strip() and (key in table or key in ("id", "reason", "owner")):
            note(f"{path}.{key}: missing; a waiver says what, why and who")
    if not table.get("package") and not table.get("path"):
        note(f"{path}: names neither package nor path; a waiver is for one of them")
    expires = table.get("expires")
    # A moment is a date too, for Python, but not for a reader.
    if type(expires) is not date:
        note(f"{path}.expires: write the day on which it ends, such as 2027-01-31")
        expires = date.min
    return Waiver(expires=expires, **{key: str(each) for key, each in found.items()})
