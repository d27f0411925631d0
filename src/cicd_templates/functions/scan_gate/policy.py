"""The scan policy: a TOML file in the application's repository. Without the file, the safe defaults apply.

A waiver is the only way to accept a finding, and it expires. No setting can accept a missing or unusable report.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cicd_templates.functions.scan_gate.severity import SCALE

# The name of the file in the application's repository and in the artifact of each check.
POLICY = "scan-policy.toml"
THRESHOLDS = SCALE[:4]
_KEYS = ("thresholds", "unknown", "unfixed", "promote", "waivers")
_WAIVER_KEYS = ("id", "package", "path", "fingerprint", "reason", "owner", "expires")


@dataclass
class Waiver:
    """A finding that its owner accepts until a date, by id and by package, path (folder or file) or fingerprint."""

    id: str
    reason: str
    owner: str
    expires: date
    package: str = ""
    path: str = ""
    fingerprint: str = ""


@dataclass
class Policy:
    """The settings of the gate. A policy with `problems` is invalid and fails the release.

    `thresholds` has the lowest blocking severity by check (default: high), and `unfixed` is the one for findings
    without a fix. `unknown` is the severity of findings without one, and the ids in `promote` count as critical.
    """

    thresholds: dict[str, str] = field(default_factory=dict)
    unknown: str = "high"
    unfixed: str = "low"
    promote: list[str] = field(default_factory=list)
    waivers: list[Waiver] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def agreed_policy(copies: Mapping[str, bytes | None], checks: Collection[str]) -> Policy:
    """Return the policy on which the copies of all checks agree, each taken before the check ran any command.

    If the copies differ, a check has changed its own, so the policy is invalid.
    """
    if len(set(copies.values())) > 1:
        having = sorted(check for check, copy in copies.items() if copy is not None)
        return Policy(problems=[f"the copies that {', '.join(having)} passed on differ from those of the other checks"])
    content = next(iter(copies.values()), None)
    return Policy() if content is None else read_policy(content, checks)


def read_policy(content: bytes, checks: Collection[str]) -> Policy:
    """Return the policy in the TOML `content` for a service with `checks`, with every problem in it."""
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
        note('promote: is not a list of ids; write for example ["B602"]')
    waivers = raw.get("waivers", [])
    if isinstance(waivers, list):
        policy.waivers = [_waiver(each, f"waivers[{number}]", note) for number, each in enumerate(waivers)]
    else:
        note("waivers: is not a list; write [[waivers]] tables")
    return policy


def _refuse_unknown(table: Mapping[str, Any], known: Collection[str], path: str, note: Any) -> None:
    for key in table:
        if key not in known:
            note(f"{path}{key}: unknown key; the known keys are {', '.join(known)}")


def _table(value: Any, path: str, note: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    note(f"{path}: is not a table")
    return {}


def _severity(word: Any, path: str, note: Any) -> str:
    if word in THRESHOLDS:
        return str(word)
    note(f"{path}: {word!r} is not a severity; use one of {', '.join(THRESHOLDS)}")
    return "high"


def _waiver(value: Any, path: str, note: Any) -> Waiver:
    table = _table(value, path, note)
    _refuse_unknown(table, _WAIVER_KEYS, f"{path}.", note)
    found = {key: table.get(key, "") for key in _WAIVER_KEYS if key != "expires"}
    for key, each in found.items():
        if not isinstance(each, str):
            note(f"{path}.{key}: is not a string")
        elif not each.strip() and (key in table or key in ("id", "reason", "owner")):
            note(f"{path}.{key}: missing; a waiver needs an id, a reason and an owner")
    if not table.get("package") and not table.get("path"):
        note(f"{path}: names neither a package nor a path; a waiver needs one of them")
    expires = table.get("expires")
    # A datetime is a date for Python, but not a valid expiry.
    if type(expires) is not date:
        note(f"{path}.expires: is not a date; write the last day, such as 2027-01-31")
        expires = date.min
    return Waiver(expires=expires, **{key: str(each) for key, each in found.items()})
