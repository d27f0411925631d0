"""The scan policy: a TOML file in the application's repository. Without the file, the safe defaults apply.

There are only two ways to accept a finding: a waiver, or a setting that is weaker than its default. Both need a reason,
an owner and an expiry date. A missing or unusable report cannot be accepted.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from cicd_templates.functions.scan_gate.severity import SCALE
from cicd_templates.functions.scan_gate.waivers import Waiver, read_waiver

# The name of the file in the application's repository and in the artifact of each check.
POLICY = "scan-policy.toml"
# A file without a version counts as version 1, which does not consider the kinds of findings.
VERSION = 2
THRESHOLDS = SCALE[:4]
# The lowest severity at which findings of each kind stop a release, even if the threshold of their check is higher.
KINDS = dict.fromkeys(
    ("access-control", "authentication", "cryptography", "injection", "integrity", "secrets"),
    "medium",
)
_KEYS = ("version", "thresholds", "unknown", "unfixed", "promote", "kinds", "exploited", "epss", "waivers")
_ONLY_VERSION_2 = ("kinds", "exploited", "epss")
_SETTING_KEYS = ("severity", "reason", "owner", "expires")
# The worst severity that a report of these formats states. Reports of all other formats can state critical.
_WORST = {"bandit": "high", "detect-secrets": "high", "junit": "high", "pip-audit": "unknown", "safety": "unknown"}
# In these formats, some tools, such as Gitleaks, state no severity at all.
_MAY_STATE_NONE = ("cyclonedx", "sarif")

Note = Callable[[str], None]


@dataclass(frozen=True)
class AcceptedSetting:
    """A setting that is weaker than its default. Its owner accepts it until the date `expires`."""

    setting: str
    severity: str
    reason: str
    owner: str
    expires: date


@dataclass
class Policy:
    """The settings of the gate. A policy with `problems` is invalid and fails the release.

    - `thresholds` maps checks to the lowest severity that blocks a release (default: high).
    - `unfixed` is the lowest severity that blocks a release if no fix is available.
    - `unknown` is the severity that a finding gets if its tool reports none.
    - `promote` has the ids of findings that count as critical.
    - `kinds` maps kinds of weaknesses to the lowest severity that blocks a release, in addition to `thresholds`.
    - `exploited` is a severity. A vulnerability that is known to be exploited gets at least this severity.
    - `epss` is a probability of exploitation. A finding with at least this probability is raised to the next severity.
    - `weaker` has the settings that are weaker than their defaults. Each has an owner and an expiry date.
    - `version` is 1 if the file has no version. In version 1, `kinds`, `exploited` and `epss` have no effect.
    - If `refuse_weaker` is true, the default policy must also let every finding pass that has no waiver.
    - `waiver_days` is the largest number of days from today to the expiry date of a waiver or setting.
    """

    thresholds: dict[str, str] = field(default_factory=dict)
    unknown: str = "high"
    unfixed: str = "low"
    promote: list[str] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=lambda: dict(KINDS))
    exploited: str | None = "critical"
    epss: float = 0.1
    waivers: list[Waiver] = field(default_factory=list)
    weaker: list[AcceptedSetting] = field(default_factory=list)
    version: int = VERSION
    refuse_weaker: bool = False
    waiver_days: int = 366
    problems: list[str] = field(default_factory=list)

    def on(self, today: date) -> Policy:
        """Return the policy that applies on `today`. Settings that have expired get their default values.

        The returned policy is invalid if an expiry date is more than `waiver_days` after `today`.
        """
        latest = today + timedelta(self.waiver_days)
        ends = [(f"waivers[{number}].expires", waiver.expires) for number, waiver in enumerate(self.waivers)]
        ends += [(f"{setting.setting}.expires", setting.expires) for setting in self.weaker]
        distant = [
            f"{path}: {end} is more than {self.waiver_days} days ahead; the latest day is {latest}"
            for path, end in ends
            if end > latest
        ]
        expired = {setting.setting for setting in self.weaker if setting.expires < today}
        return replace(
            self,
            thresholds={check: word for check, word in self.thresholds.items() if f"thresholds.{check}" not in expired},
            kinds={kind: KINDS[kind] if f"kinds.{kind}" in expired else word for kind, word in self.kinds.items()},
            unknown="high" if "unknown" in expired else self.unknown,
            unfixed="low" if "unfixed" in expired else self.unfixed,
            exploited="critical" if "exploited" in expired else self.exploited,
            weaker=[setting for setting in self.weaker if setting.setting not in expired],
            problems=self.problems + distant,
        )


def agreed_policy(copies: Mapping[str, bytes | None], checks: Collection[str]) -> Policy:
    """Return the policy from the policy file, or the default policy if there is no file.

    Each check copies the policy file before it runs. `copies` maps each check to its copy, or to None if there was no
    file. If the copies differ, a check has changed the file for a later check, so the policy is invalid.
    """
    if len(set(copies.values())) > 1:
        having = sorted(check for check, copy in copies.items() if copy is not None)
        return Policy(
            problems=[f"the checks do not all have the same copy of this file; checks with a copy: {', '.join(having)}"]
        )
    content = next(iter(copies.values()), None)
    return Policy() if content is None else read_policy(content, checks)


def read_policy(content: bytes, checks: Collection[str]) -> Policy:
    """Return the policy in `content`, a TOML file. The policy's `problems` describe the mistakes in the file.

    `checks` lists the names of the service's checks, or maps each name to the format of the check's report.
    """
    try:
        raw = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        return Policy(problems=[f"is not valid TOML: {error}"])
    policy = Policy()
    note = policy.problems.append
    version = raw.get("version", 1)
    if version not in (1, VERSION) or isinstance(version, bool):
        note(f"version: {version!r} is not known; use {VERSION}")
    _refuse_unknown(raw, [key for key in _KEYS if version != 1 or key not in _ONLY_VERSION_2], "", note)
    _read_settings(raw, policy, checks, strict=version != 1)
    promote = raw.get("promote", [])
    if isinstance(promote, list) and all(isinstance(each, str) for each in promote):
        policy.promote = promote
    else:
        note('promote: is not a list of ids; write for example ["B602"]')
    waivers = raw.get("waivers", [])
    if isinstance(waivers, list):
        policy.waivers = [read_waiver(each, f"waivers[{number}]", note) for number, each in enumerate(waivers)]
    else:
        note("waivers: is not a list; write [[waivers]] tables")
    if version == 1:
        policy.version = 1
        policy.kinds, policy.exploited, policy.epss = {}, None, 1.0
    return policy


def _read_settings(raw: dict[str, Any], policy: Policy, checks: Collection[str], *, strict: bool) -> None:
    """Read the severities of `raw` into `policy`.

    A setting that lets every finding of a check pass must have a reason, an owner and an expiry date. If `strict` is
    true, every setting that is weaker than its default must also have a reason, an owner and an expiry date.
    """
    note = policy.problems.append
    policy.unknown = _severity(raw.get("unknown", "high"), "unknown", policy, "high" if strict else "")
    policy.unfixed = _severity(raw.get("unfixed", "low"), "unfixed", policy, "low" if strict else "", lower=True)
    thresholds = _table(raw.get("thresholds", {}), "thresholds", note)
    _refuse_unknown(thresholds, checks, "thresholds.", note)
    for check, value in thresholds.items():
        policy.thresholds[check] = _severity(value, f"thresholds.{check}", policy, "high" if strict else "", lower=True)
    kinds = _table(raw.get("kinds", {}), "kinds", note)
    _refuse_unknown(kinds, KINDS, "kinds.", note)
    for kind, value in kinds.items():
        policy.kinds[kind] = _severity(value, f"kinds.{kind}", policy, KINDS.get(kind, "medium"), lower=True)
    policy.exploited = _severity(raw.get("exploited", "critical"), "exploited", policy, "critical")
    epss = raw.get("epss", policy.epss)
    if isinstance(epss, int | float) and not isinstance(epss, bool) and 0 < epss <= 1:
        policy.epss = float(epss)
    else:
        note("epss: is not a probability; write a number above 0 and up to 1, such as 0.1")
    formats = checks if isinstance(checks, Mapping) else {check: check for check in checks}
    accepted = {setting.setting for setting in policy.weaker}
    for check, form in formats.items():
        _refuse_switched_off_check(check, form, accepted, policy)


def _refuse_switched_off_check(check: str, form: str, accepted: set[str], policy: Policy) -> None:
    """Add a problem if a setting lets every finding of the check pass, unless the setting is in `accepted`."""
    lowered = form in _MAY_STATE_NONE and SCALE.index(policy.unknown) > SCALE.index("high")
    worst = "unknown" if lowered else _WORST.get(form, "critical")
    setting = "unknown" if worst == "unknown" else f"thresholds.{check}"
    word = policy.unknown if worst == "unknown" else worst
    threshold = policy.thresholds.get(check, "high")
    if SCALE.index(word) > SCALE.index(threshold) and accepted.isdisjoint((setting, f"thresholds.{check}")):
        policy.problems.append(
            f"{setting}: with this setting, no finding of {check} can stop a release; to accept the setting until a"
            f' date, write {{ severity = "{threshold if setting != "unknown" else word}", reason = "...",'
            ' owner = "...", expires = 2027-01-31 }'
        )


def _refuse_unknown(table: Mapping[str, Any], known: Collection[str], path: str, note: Note) -> None:
    for key in table:
        if key not in known:
            note(f"{path}{key}: unknown key; the known keys are {', '.join(known)}")


def _table(value: Any, path: str, note: Note) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    note(f"{path}: is not a table")
    return {}


def _severity(value: Any, path: str, policy: Policy, weakest: str, *, lower: bool = False) -> str:
    """Return the severity that `value` sets: a word, or a table with the word, a reason, an owner and a date.

    If the severity would let more findings pass than `weakest`, `value` must be a table. The lower the severity of a
    finding, the more findings pass. The higher a threshold (`lower=True`), the more findings pass.
    """
    note = policy.problems.append
    word = value.get("severity") if isinstance(value, dict) else value
    if word not in THRESHOLDS:
        note(f"{path}: {word!r} is not a severity; use one of {', '.join(THRESHOLDS)}")
        return weakest or "high"
    if isinstance(value, dict):
        _refuse_unknown(value, _SETTING_KEYS, f"{path}.", note)
        accepted = read_waiver({"id": path, "path": path, **value}, path, note, also=("severity",))
        policy.weaker.append(AcceptedSetting(path, word, accepted.reason, accepted.owner, accepted.expires))
    elif weakest:
        distance = SCALE.index(word) - SCALE.index(weakest)
        if (distance < 0) if lower else (distance > 0):
            note(
                f"{path}: {word} is weaker than {weakest}; to accept the setting until a date, write"
                f' {{ severity = "{word}", reason = "...", owner = "...", expires = 2027-01-31 }}'
            )
    return str(word)
