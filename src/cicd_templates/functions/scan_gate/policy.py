"""What the owner of an application accepts, as TOML in its repository. Without one, the safe defaults hold.

A waiver is the only way to accept a finding, and it ends. Nothing here can cover a report that is missing or broken.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cicd_templates.functions.scan_gate.severity import SCALE

THRESHOLDS = SCALE[:4]
DEFAULT_THRESHOLD = "high"
_WAIVER_KEYS = ("id", "package", "path", "reason", "owner", "expires")


class PolicyError(Exception):
    """A policy that cannot be meant; every problem with its path, a line each."""


@dataclass
class Waiver:
    """One finding that somebody accepts until a day: by id, and by package or by the beginning of its path."""

    id: str
    reason: str
    owner: str
    expires: date
    package: str = ""
    path: str = ""


@dataclass
class Policy:
    """`thresholds` by check, the least severity that blocks; `promote` are ids that count as critical."""

    thresholds: dict[str, str] = field(default_factory=dict)
    unknown: str = DEFAULT_THRESHOLD
    promote: list[str] = field(default_factory=list)
    waivers: list[Waiver] = field(default_factory=list)

    def threshold(self, check: str) -> str:
        """The least severity of a check's findings that blocks."""
        return self.thresholds.get(check, DEFAULT_THRESHOLD)


def read_policy(content: str) -> Policy:
    """The policy in the TOML `content`. Raises `PolicyError` with all its problems."""
    try:
        raw = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"not TOML: {error}") from None
    problems: list[str] = []
    known = ("thresholds", "unknown", "promote", "waivers")
    problems += [f"{key}: unknown key; known are {', '.join(known)}" for key in raw if key not in known]
    policy = Policy(unknown=_severity(raw.get("unknown", DEFAULT_THRESHOLD), "unknown", problems))
    for check, word in _table(raw.get("thresholds", {}), "thresholds", problems).items():
        policy.thresholds[check] = _severity(word, f"thresholds.{check}", problems)
    promote = raw.get("promote", [])
    if isinstance(promote, list) and all(isinstance(each, str) for each in promote):
        policy.promote = promote
    else:
        problems.append("promote: is no list of ids")
    waivers = raw.get("waivers", [])
    if not isinstance(waivers, list):
        problems.append("waivers: is no list; write [[waivers]] tables")
        waivers = []
    policy.waivers = [_waiver(each, f"waivers[{number}]", problems) for number, each in enumerate(waivers)]
    if problems:
        raise PolicyError("\n".join(problems))
    return policy


def _table(value: Any, path: str, problems: list[str]) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    problems.append(f"{path}: is a value; write a table")
    return {}


def _severity(word: Any, path: str, problems: list[str]) -> str:
    if word in THRESHOLDS:
        return str(word)
    problems.append(f"{path}: {word!r} is no severity; write {', '.join(THRESHOLDS)}")
    return DEFAULT_THRESHOLD


def _waiver(value: Any, path: str, problems: list[str]) -> Waiver:
    table = _table(value, path, problems)
    problems += [
        f"{path}.{key}: unknown key; known are {', '.join(_WAIVER_KEYS)}" for key in table if key not in _WAIVER_KEYS
    ]
    found = {key: table.get(key, "") for key in _WAIVER_KEYS if key != "expires"}
    for key, each in found.items():
        if not isinstance(each, str):
            problems.append(f"{path}.{key}: is no text")
        elif not each.strip() and key in ("id", "reason", "owner"):
            problems.append(f"{path}.{key}: missing; a waiver says what, why and who")
    if not table.get("package") and not table.get("path"):
        problems.append(f"{path}: names neither package nor path; a waiver is for one of them")
    expires = table.get("expires")
    # A moment is a date too, for Python, but not for a reader.
    if type(expires) is not date:
        problems.append(f"{path}.expires: write the day on which it ends, such as 2027-01-31")
        expires = date.min
    return Waiver(expires=expires, **{key: str(each) for key, each in found.items()})
